// The outbox: events this shard has accepted, on their way to the hub.
// Shard thread. One postMessage a turn, and a bound on what the hub has not ordered yet.
import { type Batch, BatchWriter } from '../event/batch.ts'
import { monotonicMs } from '../hub/monotonic.ts'

export class Outbox {
  /** Frames of this turn; call `commit` after writing some. */
  readonly writer = new BatchWriter()
  readonly #bytesMax: number
  readonly #post: (batch: Batch, acceptedMs: number) => void
  /** Events accepted since the start. */
  accepted = 0
  #inflightBytes = 0
  #scheduled = false
  /** When the first event of this turn was accepted. */
  #acceptedMs = 0

  constructor(bytesMax: number, post: (batch: Batch, acceptedMs: number) => void) {
    this.#bytesMax = bytesMax
    this.#post = post
  }

  /** The hub is behind by more than the bound: publishers must wait. */
  get isFull(): boolean {
    return this.#inflightBytes + this.writer.length > this.#bytesMax
  }

  /** The events in the writer are accepted, and go to the hub at the end of this turn. */
  commit(events = 1): void {
    this.accepted += events
    if (this.#scheduled) return
    this.#scheduled = true
    this.#acceptedMs = monotonicMs()
    setImmediate(this.#flushTurn)
  }

  readonly #flushTurn = (): void => {
    this.#scheduled = false
    this.flush()
  }

  /** Posts what is there now: before the thread ends, or before it says that it is drained. */
  flush(): void {
    if (this.writer.isEmpty) return
    const batch = this.writer.take()
    this.#inflightBytes += batch.bytes.length
    this.#post(batch, this.#acceptedMs)
  }

  /** Bytes of ours came back in the hub's order; or of the shard that died under our number. */
  returned(bytes: number): void {
    this.#inflightBytes = Math.max(0, this.#inflightBytes - bytes)
  }
}
