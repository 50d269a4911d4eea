// Where events of the main thread come in, on their way into the hub. Main thread.
import { type Batch, BatchWriter } from '../event/batch.ts'
import { type EventFields, writeEvent } from '../event/frame.ts'

export class Inlet {
  readonly #writer = new BatchWriter()
  readonly #take: (batch: Batch) => void
  readonly #isOverloaded: () => boolean
  #scheduled = false

  constructor(take: (batch: Batch) => void, isOverloaded: () => boolean) {
    this.#take = take
    this.#isOverloaded = isOverloaded
  }

  /**
   * Takes one event in, behind those before it.
   * @param data UTF-8 text
   * @returns false, with the event dropped, while subscribers wait for earlier events: nobody can
   * be told to try again here, and what is kept must not grow without bound
   */
  publish(topic: string, fields: EventFields, data: Uint8Array): boolean {
    if (this.#isOverloaded()) return false
    writeEvent(this.#writer, topic, fields, data)
    if (!this.#scheduled) {
      this.#scheduled = true
      // One batch for all that a socket's read brought, before the hub's turn orders it.
      queueMicrotask(() => this.flush())
    }
    return true
  }

  /** Hands over what is there now. */
  flush(): void {
    this.#scheduled = false
    if (!this.#writer.isEmpty) this.#take(this.#writer.take())
  }
}
