// Who watches the figures: the streams of GET /admin/events. Shard thread. A snapshot is made once for
// all of them, and only while there is one.
import type { HttpResponse } from 'uWebSockets.js'
import { retryFrame } from '../event/frame.ts'
import { endStream, openStream, type StreamOwner, writeStream } from '../shard/stream.ts'

/** Between two snapshots, in ms: figures come each second, and may be late for the one before. */
const PERIOD_MS_MIN = 500

export class Watchers {
  readonly #watchers = new Set<Watcher>()
  readonly #snapshot: () => string
  #toldAt = Number.NEGATIVE_INFINITY

  /** @param snapshot makes one, in one line */
  constructor(snapshot: () => string) {
    this.#snapshot = snapshot
  }

  /** A stream whose headers have been written; its first snapshot comes at once. */
  open(response: HttpResponse): void {
    const watcher = new Watcher(response, () => this.#watchers.delete(watcher))
    this.#watchers.add(watcher)
    watcher.tell(this.#frame())
  }

  /** There are new figures. They also come with each change of a state, which can be often. */
  tell(): void {
    if (this.#watchers.size === 0) return
    const now = performance.now()
    if (now - this.#toldAt < PERIOD_MS_MIN) return
    this.#toldAt = now
    const frame = this.#frame()
    for (const watcher of this.#watchers) watcher.tell(frame)
  }

  /** The server stops. */
  end(reconnectMs: number): void {
    for (const watcher of this.#watchers) watcher.end(reconnectMs)
    this.#watchers.clear()
  }

  #frame(): Buffer {
    return Buffer.from(`data: ${this.#snapshot()}\n\n`)
  }
}

class Watcher implements StreamOwner {
  readonly #response: HttpResponse
  readonly #left: () => void
  /** It gets no snapshot while its socket is full, and misses nothing: each says it all. */
  #isFull = false

  constructor(response: HttpResponse, left: () => void) {
    this.#response = response
    this.#left = left
    openStream(response, this)
  }

  tell(frame: Buffer): void {
    if (!this.#isFull) this.#isFull = !writeStream(this.#response, frame, true)
  }

  end(reconnectMs: number): void {
    endStream(this.#response, retryFrame(reconnectMs))
  }

  writable(): void {
    this.#isFull = false
  }

  gone(): void {
    this.#left()
  }
}
