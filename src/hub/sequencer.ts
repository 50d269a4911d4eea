// The order of all events, for every subscriber on every shard. Main thread; batches in, one batch a
// turn out.
import { type Batch, BatchWriter, RUN_FIELDS } from '../event/batch.ts'
import type { HubToShards } from './message.ts'

/** What all shards get, in one order. */
type Ordered = Omit<Extract<HubToShards, { type: 'batch' }>, 'type'>

export class Sequencer {
  /** Bytes and events ordered since the start. */
  position = 0
  eventCount = 0
  readonly #send: (ordered: Ordered) => void
  readonly #writer = new BatchWriter()
  // Batches of this turn; a lone one is sent as it is, several are merged.
  #pending: Batch[] = []
  /** Which shard's bytes they are: pairs of shard and bytes. */
  #origins: number[] = []
  #scheduled = false
  #acceptedMs = Number.POSITIVE_INFINITY

  constructor(send: (ordered: Ordered) => void) {
    this.#send = send
  }

  /**
   * @param acceptedMs when the oldest event of the batch was, by `monotonicMs`
   * @param shard that accepted the events, and waits to see them again; none for a source's
   */
  append(batch: Batch, acceptedMs: number, shard?: number): void {
    this.#acceptedMs = Math.min(this.#acceptedMs, acceptedMs)
    if (shard !== undefined) this.#origins.push(shard, batch.bytes.length)
    this.#pending.push(batch)
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => this.flush())
  }

  /** Sends what this turn brought so far. */
  flush(): void {
    this.#scheduled = false
    const [first] = this.#pending
    if (first === undefined) return
    let batch = first
    if (this.#pending.length > 1) {
      for (const part of this.#pending) this.#writer.append(part)
      batch = this.#writer.take()
    }
    const origins = this.#origins
    const acceptedMs = this.#acceptedMs
    this.#pending = []
    this.#origins = []
    this.#acceptedMs = Number.POSITIVE_INFINITY
    for (let run = 0; run < batch.runs.length; run += RUN_FIELDS) {
      this.eventCount += batch.runs[run + 1] as number
    }
    this.position += batch.bytes.length
    this.#send({ batch, acceptedMs, origins, position: this.position })
  }
}
