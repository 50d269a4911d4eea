// How fast each address publishes: a token bucket for each, that is refilled at a rate and holds a
// second of it. Shard thread; the shards tell each other what was spent (shard/addresses.ts).
//
// Kept as one number for each bucket: the time at which it is full again (GCRA, as in ATM's traffic
// management: ITU-T I.371). A bucket that is full is that of an address never seen, and forgotten.

/** What a bucket holds, as the time in which it fills, in ms. */
const BURST_MS = 1000
/** What the other shards let through meanwhile may empty it further, down to this, in ms. */
const DEBT_MS_MAX = BURST_MS
/** Rounding of times: without it, the last of a burst is refused now and then. */
const EPSILON_MS = 1e-6
/** Addresses remembered at a time; past it, the half that was idle for longest is forgotten. */
export const ADDRESSES_MAX = 100_000

export class AddressPace {
  readonly #intervalMs: number
  // Buckets that were touched since the last turnover, and those touched before. Nobody is in the
  // second who was idle for long enough to be full.
  #recent = new Map<string, number>()
  #earlier = new Map<string, number>()
  #turnedOverAt = Number.NEGATIVE_INFINITY

  /** @param perSecond requests that each address may send, sustained; as many at once */
  constructor(perSecond: number) {
    this.#intervalMs = BURST_MS / perSecond
  }

  get remembered(): number {
    return this.#recent.size + this.#earlier.size
  }

  /** Takes a token, if there is one. @param now of a clock that nobody sets, in ms */
  admit(address: string, now: number): boolean {
    const fullAt = this.#fullAt(address, now)
    if (fullAt - now > BURST_MS - this.#intervalMs + EPSILON_MS) return false
    this.#recent.set(address, fullAt + this.#intervalMs)
    return true
  }

  /** Another shard let through so many. */
  spend(address: string, count: number, now: number): void {
    const fullAt = this.#fullAt(address, now) + count * this.#intervalMs
    this.#recent.set(address, Math.min(fullAt, now + BURST_MS + DEBT_MS_MAX))
  }

  #fullAt(address: string, now: number): number {
    const isStale = now - this.#turnedOverAt > BURST_MS + DEBT_MS_MAX
    if (isStale || this.#recent.size >= ADDRESSES_MAX / 2) this.#turnOver(now)
    const fullAt = this.#recent.get(address) ?? this.#earlier.get(address) ?? now
    return Math.max(fullAt, now)
  }

  #turnOver(now: number): void {
    this.#earlier = this.#recent
    this.#recent = new Map()
    this.#turnedOverAt = now
  }
}
