// What a shard counts and measures of its deliveries. Shard thread. The fields are added to at each
// write to a subscriber: no look at a clock, no call, nothing allocated there.
import { Histogram } from '../hub/histogram.ts'
import { monotonicMs } from '../hub/monotonic.ts'

export class Meter {
  /** Events written to subscribers in full, bytes, and writes of some: each is one `send`. */
  deliveries = 0
  deliveredBytes = 0
  writes = 0
  heartbeats = 0
  streamsOpened = 0
  streamsClosed = 0
  /** From the acceptance of an event to its write. */
  readonly delay = new Histogram()
  /** What a round takes. */
  readonly round = new Histogram()
  /** How late timers are. */
  readonly lateness = new Histogram()
  /** The latest timer since `takeLateMs`. */
  #lateMs = 0

  // When the oldest event was accepted that this round writes, and of those that came since.
  #roundAcceptedMs = Number.POSITIVE_INFINITY
  #nextAcceptedMs = Number.POSITIVE_INFINITY
  #roundBeganMs = 0
  #writesSeen = 0

  /** Events are there to be written. @param acceptedMs of the oldest, by `monotonicMs` */
  received(acceptedMs: number): void {
    if (acceptedMs < this.#nextAcceptedMs) this.#nextAcceptedMs = acceptedMs
  }

  roundBegins(): void {
    this.#roundAcceptedMs = this.#nextAcceptedMs
    this.#nextAcceptedMs = Number.POSITIVE_INFINITY
    this.#roundBeganMs = performance.now()
  }

  roundEnds(): void {
    this.sliceEnds()
    this.round.add((performance.now() - this.#roundBeganMs) / 1000)
  }

  timerWasLate(ms: number): void {
    this.lateness.add(ms / 1000)
    this.#lateMs = Math.max(this.#lateMs, ms)
  }

  /** How late the latest timer was since this was asked last. */
  takeLateMs(): number {
    const lateMs = this.#lateMs
    this.#lateMs = 0
    return lateMs
  }

  /**
   * Each write since the last slice has waited for at most so long: since the oldest event of its
   * round was accepted. Heartbeats have not waited.
   */
  sliceEnds(): void {
    const writes = this.writes - this.#writesSeen
    this.#writesSeen = this.writes
    if (writes === 0 || this.#roundAcceptedMs === Number.POSITIVE_INFINITY) return
    this.delay.add(Math.max(0, monotonicMs() - this.#roundAcceptedMs) / 1000, writes)
  }
}
