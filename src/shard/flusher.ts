// Takes feeds with something to write through their passes, in slices of the event loop.
// Shard thread. Rounds make it fair: a feed that gets new events waits for the others' turn.
import type { Feed } from './feed.ts'

/**
 * Longest stretch of writing before I/O is served again. A pass over 20,000 subscribers takes
 * 100 ms: uncut, POSTs, health checks and new subscribers would wait for it.
 */
const SLICE_MS = 2

export class Flusher {
  #queue: Feed[] = []
  #round: Feed[] = []
  #at = 0
  #scheduled = false
  readonly #roundBegins: () => void
  readonly #roundEnds: () => void
  readonly #sliceEnds: () => void

  /**
   * A round that has ended has written all that its feeds held when it began.
   * @param sliceEnds called when a round is interrupted
   */
  constructor(roundBegins: () => void, roundEnds: () => void, sliceEnds: () => void) {
    this.#roundBegins = roundBegins
    this.#roundEnds = roundEnds
    this.#sliceEnds = sliceEnds
  }

  get isIdle(): boolean {
    return !this.#scheduled
  }

  /** The feed is flushed in the next round; once, however often it is added before that. */
  add(feed: Feed): void {
    if (feed.isDirty) return
    feed.isDirty = true
    this.#queue.push(feed)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(this.#slice)
  }

  readonly #slice = (): void => {
    const deadline = performance.now() + SLICE_MS
    do {
      if (this.#at === this.#round.length && !this.#nextRound()) {
        this.#scheduled = false
        return
      }
      if ((this.#round[this.#at] as Feed).flush(deadline)) this.#at++
    } while (performance.now() < deadline)
    this.#sliceEnds()
    setImmediate(this.#slice)
  }

  #nextRound(): boolean {
    if (this.#round.length > 0) this.#roundEnds()
    this.#round = this.#queue
    this.#queue = []
    this.#at = 0
    if (this.#round.length === 0) return false
    for (const feed of this.#round) feed.isDirty = false
    this.#roundBegins()
    return true
  }
}
