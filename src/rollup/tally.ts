// Counts per key within one period, and the bounds of what it may hold. Pure.

export class Tally {
  readonly #keysMax: number
  readonly #bytesMax: number
  readonly #counts = new Map<string, number>()
  #bytes = 0

  /** @param bytesMax UTF-8 bytes of all keys together; a lone key may be longer */
  constructor(keysMax: number, bytesMax: number) {
    this.#keysMax = keysMax
    this.#bytesMax = bytesMax
  }

  /** Counts a key once. @returns false, with nothing counted, where a new key has no room */
  add(key: string): boolean {
    const count = this.#counts.get(key)
    if (count !== undefined) {
      this.#counts.set(key, count + 1)
      return true
    }
    const bytes = Buffer.byteLength(key)
    const isFull = this.#counts.size >= this.#keysMax || this.#bytes + bytes > this.#bytesMax
    if (isFull && this.#counts.size > 0) return false
    // Copied: a slice would keep the whole text that it was found in.
    this.#counts.set(Buffer.from(key).toString(), 1)
    this.#bytes += bytes
    return true
  }

  /** The counts as a JSON object with sorted keys, and none any more; undefined where none are. */
  take(): string | undefined {
    if (this.#counts.size === 0) return undefined
    // By hand: an object would put keys like 2665 first, and lose __proto__.
    const members = [...this.#counts.keys()]
      .sort()
      .map((key) => `${JSON.stringify(key)}:${this.#counts.get(key)}`)
    this.#counts.clear()
    this.#bytes = 0
    return `{${members.join(',')}}`
  }
}
