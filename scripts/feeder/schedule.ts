// When updates are due: an absolute schedule, so that a late tick catches up and the rate is exact
// over time. What is too far behind is given up instead of flooding whoever listens.

/** The most that a schedule catches up with, in seconds of its rate. */
const ARREARS_SECONDS_MAX = 1

export class Schedule {
  readonly #perSecond: number
  readonly #startMs: number
  /** Updates in all; Infinity where there is no end. */
  readonly #total: number
  /** Updates that were handed out or given up. */
  #past = 0
  /** Updates that were given up. */
  missed = 0

  constructor(perSecond: number, startMs: number, seconds = Number.POSITIVE_INFINITY) {
    this.#perSecond = perSecond
    this.#startMs = startMs
    this.#total = perSecond * seconds
  }

  get isOver(): boolean {
    return this.#past >= this.#total
  }

  /** How many updates to make now, at most so many; the rest stays due. */
  take(nowMs: number, most: number): number {
    const elapsed = Math.floor(((nowMs - this.#startMs) * this.#perSecond) / 1000)
    const due = Math.min(elapsed, this.#total)
    const late = due - this.#past - this.#perSecond * ARREARS_SECONDS_MAX
    if (late > 0) {
      this.#past += late
      this.missed += late
    }
    const count = Math.min(due - this.#past, most)
    this.#past += count
    return count
  }

  /** The time until the next update is due, in ms; 0 or less when one is. */
  waitMs(nowMs: number): number {
    return this.#startMs + ((this.#past + 1) * 1000) / this.#perSecond - nowMs
  }
}
