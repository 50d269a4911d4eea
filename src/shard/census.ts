// How many connections there are: this shard's own, and what it heard of the others. Shard thread.
//
// Shards share no memory, so each tells the hub its count, and hears all counts. Far from the limit it
// does so seldom: when it has changed by a part of what is left, so that all that is untold together
// is less than a quarter of that. Near the limit it tells each change, at most once a turn.
import { CONNECTIONS_SPARE } from '../config/open-files.ts'

export class Census {
  /** Streams that were refused, and connections that were closed unanswered. */
  refused = 0
  closed = 0
  own = 0
  #told = 0
  #others = 0
  #scheduled = false
  readonly #max: number
  readonly #threads: number
  readonly #tell: (count: number) => void

  constructor(max: number, threads: number, tell: (count: number) => void) {
    this.#max = max
    this.#threads = threads
    this.#tell = tell
  }

  get total(): number {
    return this.own + this.#others
  }

  /** A stream that asks now is one too many: its own connection is counted. */
  get isFull(): boolean {
    return this.total > this.#max
  }

  /** Not even a refusal can be afforded. */
  get isOver(): boolean {
    return this.total > this.#max + CONNECTIONS_SPARE
  }

  /** A connection came (1) or went (-1). */
  changed(by: number): void {
    this.own += by
    this.#tellIfDue()
  }

  /** The counts of all shards, by number. */
  heard(counts: readonly number[], self: number): void {
    this.#others = counts.reduce((sum, count, shard) => (shard === self ? sum : sum + count), 0)
    this.#tellIfDue()
  }

  #tellIfDue(): void {
    if (this.#threads === 1 || this.#scheduled) return
    const step = Math.max(1, Math.floor((this.#max - this.total) / (4 * this.#threads)))
    if (Math.abs(this.own - this.#told) < step) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#told = this.own
      this.#tell(this.own)
    })
  }
}
