// Random numbers that a seed repeats, for drawing emoji and making up tweets. Not for secrets.

/** A number from 0 up to, but not including, 1. */
export type Random = () => number

/** sfc32 (Chris Doty-Humphrey, PractRand): 128 bits of state, and a few ns a number. */
export function seeded(seed: number): Random {
  let a = seed | 0
  let b = Math.trunc(seed / 2 ** 32) | 0
  let c = 0x9e3779b9 | 0
  let counter = 1
  const random = (): number => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return (sum >>> 0) / 2 ** 32
  }
  // Until the seed has spread over the whole state, near seeds give near numbers.
  for (let round = 0; round < 15; round++) random()
  return random
}

/** A whole number from `low` to `high`, both included. */
export function between(random: Random, low: number, high: number): number {
  return low + Math.floor(random() * (high - low + 1))
}

export function pick<T>(random: Random, items: readonly T[]): T {
  return items[Math.floor(random() * items.length)] as T
}
