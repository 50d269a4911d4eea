// A timer that fires on a grid of equal periods, and only when asked: an idle server sleeps.
// Main thread. It cannot drift, because each due time is a multiple of the period, not of the last.

/** Monotonic time in ms, and a timer; injected by tests. */
export interface Clock {
  now(): number
  /** Calls `run` once, after so many ms. Returns what cancels it. */
  after(ms: number, run: () => void): () => void
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
}

export class Grid {
  readonly #periodMs: number
  readonly #run: () => void
  readonly #clock: Clock
  readonly #start: number
  /** The number of the period whose end is due or was the last to be. */
  #period = 0
  #cancel: (() => void) | undefined

  constructor(periodMs: number, run: () => void, clock: Clock) {
    this.#periodMs = periodMs
    this.#run = run
    this.#clock = clock
    this.#start = clock.now()
  }

  /** Asks for a call of `run` at the end of the running period. Once is enough. */
  request(): void {
    if (this.#cancel !== undefined) return
    const elapsed = this.#clock.now() - this.#start
    // Timers may fire a little early: the end that was the last is not due again.
    this.#period = Math.max(this.#period + 1, Math.ceil(elapsed / this.#periodMs))
    const delay = this.#period * this.#periodMs - elapsed
    this.#cancel = this.#clock.after(delay, () => {
      this.#cancel = undefined
      this.#run()
    })
  }

  cancel(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }
}
