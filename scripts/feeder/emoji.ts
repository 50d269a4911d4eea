// Draws emoji as often as they are tweeted, and turns an id into the characters that show it.
import type { Random } from './random.ts'
import { type Ranked, ranking } from './ranking.ts'

/**
 * Draws ids by weight in the same time however many there are: Walker's alias method, as improved
 * by Vose. The weights are cut into columns of one size, each shared by at most two ids; a draw
 * takes a column, then one of its two.
 */
export class EmojiDraw {
  readonly #random: Random
  readonly #ids: readonly string[]
  /** The part of each column that is its own id's, from 0 to 1. */
  readonly #shares: Float64Array
  /** Whose the rest of each column is. */
  readonly #aliases: Uint32Array

  constructor(random: Random, ranked: readonly Ranked[] = ranking) {
    const total = ranked.reduce((sum, { weight }) => sum + weight, 0)
    this.#random = random
    this.#ids = ranked.map(({ id }) => id)
    this.#shares = Float64Array.from(ranked, ({ weight }) => (weight * ranked.length) / total)
    this.#aliases = Uint32Array.from(ranked, (_, index) => index)
    const small: number[] = []
    const large: number[] = []
    for (const [index, share] of this.#shares.entries()) (share < 1 ? small : large).push(index)
    while (small.length > 0 && large.length > 0) {
      const poor = small.pop() as number
      const rich = large.pop() as number
      this.#aliases[poor] = rich
      const rest = this.#share(rich) - (1 - this.#share(poor))
      this.#shares[rich] = rest
      ;(rest < 1 ? small : large).push(rich)
    }
    // What is left is a full column but for rounding.
    for (const index of [...small, ...large]) this.#shares[index] = 1
  }

  next(): string {
    const point = this.#random() * this.#ids.length
    const column = Math.floor(point)
    const own = point - column < this.#share(column)
    return this.#ids[own ? column : (this.#aliases[column] as number)] as string
  }

  #share(column: number): number {
    return this.#shares[column] as number
  }
}

/** Asks for the colourful form of a character that also has a plain one. */
const VARIATION_SELECTOR = '\uFE0F'
const KEYCAP = '\u20E3'

/** The characters of an id: `2665` → ♥️, `1F1FA-1F1F8` → 🇺🇸, `0031-20E3` → 1️⃣. */
export function glyph(id: string): string {
  const text = String.fromCodePoint(...id.split('-').map((code) => Number.parseInt(code, 16)))
  if (text.length === 1) return text + VARIATION_SELECTOR
  if (text.endsWith(KEYCAP)) return text.slice(0, -1) + VARIATION_SELECTOR + KEYCAP
  return text
}
