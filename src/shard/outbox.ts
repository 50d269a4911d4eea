// The outbox: events this shard has accepted, on their way to the hub.
// Shard thread. One postMessage a turn, and a bound on what the hub has not ordered yet.
import { type Batch, BatchWriter } from '../event/batch.ts'

export class Outbox {
  /** Frames of this turn; call `commit` after writing some. */
  readonly writer = new BatchWriter()
  readonly #bytesMax: number
  readonly #post: (batch: Batch) => void
  #inflightBytes = 0
  #scheduled = false

  constructor(bytesMax: number, post: (batch: Batch) => void) {
    this.#bytesMax = bytesMax
    this.#post = post
  }

  /** The hub is behind by more than the bound: publishers must wait. */
  get isFull(): boolean {
    return this.#inflightBytes + this.writer.length > this.#bytesMax
  }

  /** What stands in the writer is accepted, and goes to the hub at the end of this turn. */
  commit(): void {
    if (this.#scheduled) return
    this.#scheduled = true
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
    this.#post(batch)
  }

  /** Bytes of ours came back in the hub's order; or of the shard that died under our number. */
  returned(bytes: number): void {
    this.#inflightBytes = Math.max(0, this.#inflightBytes - bytes)
  }
}
