// The snapshots of the server, as long as somebody looks: a stream that comes back by itself, and ends
// when the tab has been hidden for a while.
import { Refusal, readStream } from './server.ts'
import type { Snapshot } from './snapshot.ts'

const HIDDEN_MS_MAX = 60_000
/** A server that sends nothing for so long hangs, or the connection is dead: one comes each second. */
const SILENT_MS_MAX = 5000
const WAIT_MS_MIN = 1000
const WAIT_MS_MAX = 10_000

export interface FeedEvents {
  readonly token: () => string
  readonly took: (snapshot: Snapshot) => void
  /** Until the next snapshot, none come. */
  readonly lost: () => void
  /** The server wants another token. It is not asked again until `open`. */
  readonly refused: (why: string) => void
}

export class Feed {
  readonly #events: FeedEvents
  #stream: AbortController | undefined
  #waitMs = WAIT_MS_MIN
  #again: ReturnType<typeof setTimeout> | undefined
  #hidden: ReturnType<typeof setTimeout> | undefined
  #silent: ReturnType<typeof setTimeout> | undefined
  #isRefused = false

  constructor(events: FeedEvents) {
    this.#events = events
    document.addEventListener('visibilitychange', () => {
      clearTimeout(this.#hidden)
      if (this.#isRefused) return
      if (document.hidden) this.#hidden = setTimeout(() => this.#close(), HIDDEN_MS_MAX)
      else if (this.#stream === undefined) this.open()
    })
  }

  open(): void {
    clearTimeout(this.#again)
    this.#stream?.abort()
    this.#isRefused = false
    const stream = new AbortController()
    this.#stream = stream
    void this.#read(stream)
  }

  #close(): void {
    clearTimeout(this.#again)
    clearTimeout(this.#silent)
    this.#stream?.abort()
    this.#stream = undefined
    this.#events.lost()
  }

  async #read(stream: AbortController): Promise<void> {
    const request = { token: this.#events.token(), signal: stream.signal }
    const opened = (): void => {
      this.#waitMs = WAIT_MS_MIN
    }
    this.#listen(stream)
    try {
      await readStream('events', request, ({ data }) => this.#take(stream, data), opened)
    } catch (error) {
      if (this.#stream === stream && error instanceof Refusal && error.needsToken) {
        this.#refuse(error.message)
        return
      }
    }
    if (this.#stream === stream) this.#lose()
  }

  #take(stream: AbortController, data: string): void {
    if (this.#stream !== stream) return
    this.#listen(stream)
    try {
      this.#events.took(JSON.parse(data) as Snapshot)
    } catch (error) {
      // A fault of the page's is none of the connection's.
      reportError(error)
    }
  }

  /** Waits for the next snapshot. */
  #listen(stream: AbortController): void {
    clearTimeout(this.#silent)
    this.#silent = setTimeout(() => {
      if (this.#stream === stream) this.#lose()
    }, SILENT_MS_MAX)
  }

  #refuse(why: string): void {
    clearTimeout(this.#silent)
    this.#stream = undefined
    this.#isRefused = true
    this.#events.refused(why)
  }

  #lose(): void {
    clearTimeout(this.#silent)
    this.#events.lost()
    this.#again = setTimeout(() => this.open(), this.#waitMs)
    this.#waitMs = Math.min(2 * this.#waitMs, WAIT_MS_MAX)
  }
}
