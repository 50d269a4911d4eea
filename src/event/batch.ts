// A batch: the frames of one turn of an event loop, on their way from thread to thread.
// Pure; written where events come in (shards, sources) and merged in the hub, read in the shards.

/**
 * Frames one after the other, and where they belong. A run is a stretch of frames of one topic:
 * a flood on one topic is a single run, which costs the same to route as a single event.
 * Both typed arrays own their whole buffer, because a structured clone copies all of it.
 */
export interface Batch {
  /** The distinct topics in the batch. */
  readonly topics: readonly string[]
  /** Of each run three numbers: index into `topics`, events, bytes. */
  readonly runs: Uint32Array<ArrayBuffer>
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** How many numbers describe one run in {@link Batch.runs}. */
export const RUN_FIELDS = 3

const CAPACITY_BYTES_MIN = 64 * 1024
/** A larger buffer is given back after its batch: floods of large events must not stay in memory. */
const CAPACITY_BYTES_KEPT = 1024 * 1024

/**
 * Collects frames until {@link take}. To write a frame: `reserve` room, write into `buffer` from
 * `length` on, then `commit`. Not committed bytes are overwritten by the next frame.
 */
export class BatchWriter {
  buffer: Buffer = Buffer.allocUnsafeSlow(CAPACITY_BYTES_MIN)
  /** Bytes committed so far: where the next frame begins. */
  length = 0

  #topics: string[] = []
  readonly #numbers = new Map<string, number>()
  #runs: number[] = []
  #lastTopic = ''

  get isEmpty(): boolean {
    return this.#runs.length === 0
  }

  /** Makes room for a frame of at most `bytes` bytes. `buffer` may be another one after it. */
  reserve(bytes: number): void {
    const needed = this.length + bytes
    if (needed <= this.buffer.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.buffer.length * 2))
    larger.set(this.buffer.subarray(0, this.length))
    this.buffer = larger
  }

  /** The bytes from `length` to `end` are `events` frames of this topic. */
  commit(topic: string, end: number, events = 1): void {
    const runs = this.#runs
    const last = runs.length - RUN_FIELDS
    if (last >= 0 && topic === this.#lastTopic) {
      runs[last + 1] = (runs[last + 1] as number) + events
      runs[last + 2] = (runs[last + 2] as number) + end - this.length
    } else {
      runs.push(this.#numberOf(topic), events, end - this.length)
      this.#lastTopic = topic
    }
    this.length = end
  }

  /** Adds all frames of another batch, in their order. */
  append(batch: Batch): void {
    this.reserve(batch.bytes.length)
    this.buffer.set(batch.bytes, this.length)
    for (let run = 0; run < batch.runs.length; run += RUN_FIELDS) {
      const topic = batch.topics[batch.runs[run] as number] as string
      const end = this.length + (batch.runs[run + 2] as number)
      this.commit(topic, end, batch.runs[run + 1])
    }
  }

  /** All that was collected; the writer is empty afterwards. */
  take(): Batch {
    const batch = {
      topics: this.#topics,
      runs: Uint32Array.from(this.#runs),
      bytes: new Uint8Array(this.buffer.subarray(0, this.length)),
    }
    if (this.buffer.length > CAPACITY_BYTES_KEPT) {
      this.buffer = Buffer.allocUnsafeSlow(CAPACITY_BYTES_MIN)
    }
    this.length = 0
    this.#topics = []
    this.#runs = []
    this.#numbers.clear()
    return batch
  }

  #numberOf(topic: string): number {
    const known = this.#numbers.get(topic)
    if (known !== undefined) return known
    const number = this.#topics.push(topic) - 1
    this.#numbers.set(topic, number)
    return number
  }
}
