// The snapshots of the server, as long as somebody looks: a stream that comes back by itself, and ends
// when the tab has been hidden for a while.
import { Refusal, readStream } from './server.ts'
import type { Snapshot } from './snapshot.ts'

const HIDDEN_MS_MAX = 60_000
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

  constructor(events: FeedEvents) {
    this.#events = events
    document.addEventListener('visibilitychange', () => {
      clearTimeout(this.#hidden)
      if (document.hidden) this.#hidden = setTimeout(() => this.#close(), HIDDEN_MS_MAX)
      else if (this.#stream === undefined) this.open()
    })
  }

  open(): void {
    clearTimeout(this.#again)
    this.#stream?.abort()
    const stream = new AbortController()
    this.#stream = stream
    void this.#read(stream)
  }

  #close(): void {
    clearTimeout(this.#again)
    this.#stream?.abort()
    this.#stream = undefined
    this.#events.lost()
  }

  async #read(stream: AbortController): Promise<void> {
    const { token, took, lost, refused } = this.#events
    const request = { token: token(), signal: stream.signal }
    const opened = (): void => {
      this.#waitMs = WAIT_MS_MIN
    }
    try {
      await readStream('events', request, ({ data }) => took(JSON.parse(data) as Snapshot), opened)
    } catch (error) {
      if (this.#stream !== stream) return
      if (error instanceof Refusal && error.needsToken) {
        this.#stream = undefined
        refused(error.message)
        return
      }
    }
    if (this.#stream !== stream) return
    lost()
    this.#again = setTimeout(() => this.open(), this.#waitMs)
    this.#waitMs = Math.min(2 * this.#waitMs, WAIT_MS_MAX)
  }
}
