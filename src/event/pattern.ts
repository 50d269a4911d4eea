// Redis's channel patterns (the glob of PSUBSCRIBE), matched on bytes as Redis does, and what each
// wildcard of one stood for. Pure. Linear in the channel's length: no pattern can make it slow.

type ByteTest = (byte: number) => boolean

interface Token {
  readonly test: ByteTest
  /** ? and [...]: what it stood for is a capture. */
  readonly isWildcard: boolean
}

const STAR = 0x2a
const QUESTION = 0x3f
const BRACKET = 0x5b
const BRACKET_END = 0x5d
const BACKSLASH = 0x5c
const CARET = 0x5e
const HYPHEN = 0x2d

/** A parsed pattern: `*` any bytes, `?` one byte, `[a-z]`, `[^a]`, `\` before what stands for itself. */
export class Pattern {
  /** How many wildcards it has. */
  readonly wildcards: number
  /** The stretches between the stars; there is one more of them than stars. */
  readonly #stretches: readonly (readonly Token[])[]

  constructor(text: string) {
    this.#stretches = stretchesOf(Buffer.from(text))
    const single = this.#stretches.flat().filter(({ isWildcard }) => isWildcard).length
    this.wildcards = this.#stretches.length - 1 + single
  }

  /**
   * What each wildcard stands for, in order; undefined where the channel does not match. Of
   * several stars, the first takes as little as it can.
   */
  match(channel: Uint8Array): Uint8Array[] | undefined {
    const captures: Uint8Array[] = []
    const last = this.#stretches.length - 1
    let at = 0
    for (const [index, stretch] of this.#stretches.entries()) {
      let start = at
      if (index > 0) {
        const latest = channel.length - stretch.length
        // The last stretch stands at the end; any other as far to the left as it fits.
        if (index === last) start = Math.max(start, latest)
        else while (start < latest && !fits(stretch, channel, start)) start++
        captures.push(channel.subarray(at, start))
      }
      if (!fits(stretch, channel, start)) return undefined
      for (const [offset, { isWildcard }] of stretch.entries()) {
        if (isWildcard) captures.push(channel.subarray(start + offset, start + offset + 1))
      }
      at = start + stretch.length
    }
    return at === channel.length ? captures : undefined
  }
}

function fits(stretch: readonly Token[], channel: Uint8Array, start: number): boolean {
  if (start + stretch.length > channel.length) return false
  return stretch.every(({ test }, offset) => test(channel[start + offset] as number))
}

function stretchesOf(pattern: Uint8Array): Token[][] {
  const stretches: Token[][] = [[]]
  for (let at = 0; at < pattern.length; at++) {
    const byte = pattern[at] as number
    const stretch = stretches.at(-1) as Token[]
    if (byte === STAR) {
      // Redis takes several stars in a row for one.
      while (pattern[at + 1] === STAR) at++
      stretches.push([])
    } else if (byte === QUESTION) stretch.push({ test: () => true, isWildcard: true })
    else if (byte === BRACKET) {
      const { test, end } = readClass(pattern, at)
      stretch.push({ test, isWildcard: true })
      at = end
    } else {
      // A backslash at the very end stands for itself.
      if (byte === BACKSLASH && at + 1 < pattern.length) at++
      const literal = pattern[at] as number
      stretch.push({ test: (other) => other === literal, isWildcard: false })
    }
  }
  return stretches
}

/**
 * The class that begins at `start`. It ends at its bracket, or, where that is missing, with the
 * pattern. As in Redis, a range ends with any byte: [a-]z] has a range down to the bracket in it.
 */
function readClass(pattern: Uint8Array, start: number): { test: ByteTest; end: number } {
  const isNegated = pattern[start + 1] === CARET
  const members = new Set<number>()
  let at = start + (isNegated ? 2 : 1)
  for (; at < pattern.length && pattern[at] !== BRACKET_END; at++) {
    const from = pattern[at] as number
    if (from === BACKSLASH && at + 1 < pattern.length) members.add(pattern[++at] as number)
    else if (pattern[at + 1] === HYPHEN && at + 2 < pattern.length) {
      const to = pattern[at + 2] as number
      for (let byte = Math.min(from, to); byte <= Math.max(from, to); byte++) members.add(byte)
      at += 2
    } else members.add(from)
  }
  return { test: (byte) => members.has(byte) !== isNegated, end: at }
}
