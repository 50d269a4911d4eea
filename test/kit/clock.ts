// A clock for what asks for one: it stands still until a test moves it.
import assert from 'node:assert/strict'
import type { Clock } from '../../src/rollup/grid.ts'

/** More timers than this fire in no stretch of time that a test lets pass: they would not end. */
const TIMERS_MAX = 100_000

interface Timer {
  readonly at: number
  readonly run: () => void
}

export class FakeClock implements Clock {
  /** When each timer that was asked for is due, in order. */
  readonly dues: number[] = []
  readonly #lateMs: () => number
  readonly #timers = new Set<Timer>()
  #now: number

  /** @param lateMs how late the next timer fires; early where it is negative */
  constructor(now = 0, lateMs: () => number = () => 0) {
    this.#now = now
    this.#lateMs = lateMs
  }

  /** Timers that have neither fired nor been cancelled. */
  get waiting(): number {
    return this.#timers.size
  }

  now(): number {
    return this.#now
  }

  after(ms: number, run: () => void): () => void {
    this.dues.push(this.#now + ms)
    const timer = { at: Math.max(this.#now, this.#now + ms + this.#lateMs()), run }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Lets so much time pass, in which timers fire, each at its time. */
  pass(ms: number): void {
    const end = this.#now + ms
    let fired = 0
    for (let next = this.#next(); next !== undefined && next.at <= end; next = this.#next()) {
      this.#now = next.at
      this.#timers.delete(next)
      next.run()
      assert.ok(++fired <= TIMERS_MAX, 'timers without an end')
    }
    this.#now = end
  }

  #next(): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers) if (first === undefined || timer.at < first.at) first = timer
    return first
  }
}
