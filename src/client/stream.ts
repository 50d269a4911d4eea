// One connection of `carillon tail`: bytes → events, and how it ended. Main thread; hands to the tail.
import type { IncomingMessage } from 'node:http'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { reasonOf } from './failure.ts'

/** Who reads the stream. Its methods are called in the order of the bytes, none after `close`. */
export interface Reader {
  event(message: EventSourceMessage): void
  comment(text: string): void
  /** When to come back, in ms, as the stream said. */
  retry(ms: number): void
}

export interface Ending {
  /** For people. */
  readonly reason: string
  /** It would end so again. */
  readonly isFinal: boolean
}

export class Stream {
  /** Resolves when nothing more comes, also after `close`. Never rejects. */
  readonly ended: Promise<Ending>
  /** The longest time in which nothing came, heartbeats counted as something, in ms. */
  silenceMsMax = 0
  readonly #response: IncomingMessage
  readonly #stallMs: number
  #isClosed = false
  #cameAt = performance.now()
  #stall: NodeJS.Timeout | undefined
  #end: (ending: Ending) => void = () => {}

  /** @param stallSeconds 0 is never */
  constructor(
    response: IncomingMessage,
    reader: Reader,
    { stallSeconds, eventCharsMax }: { stallSeconds: number; eventCharsMax: number },
  ) {
    this.#response = response
    this.#stallMs = stallSeconds * 1000
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
    const only = <T>(take: (value: T) => void): ((value: T) => void) => {
      // The parser hands out all of a chunk, also when the reader has had enough.
      return (value) => {
        if (!this.#isClosed) take(value)
      }
    }
    const parser = createParser({
      maxBufferSize: eventCharsMax,
      onEvent: only((message) => reader.event(message)),
      onComment: only((text) => reader.comment(text)),
      onRetry: only((ms) => reader.retry(ms)),
      onError: only(({ type }) => {
        // Unknown fields and a retry that is no number are to be ignored (WHATWG HTML, 9.2.6).
        if (type !== 'max-buffer-size-exceeded') return
        const reason = `an event is longer than ${eventCharsMax} characters (--event-chars-max)`
        this.#finish({ reason, isFinal: true })
      }),
    })
    // Not fatal, and without the byte order mark, as the clause has it.
    const decoder = new TextDecoder()
    response.on('data', (chunk: Buffer) => {
      if (this.#isClosed) return
      this.#mind()
      parser.feed(decoder.decode(chunk, { stream: true }))
    })
    response.on('end', () => this.#lose('the server closed the stream'))
    response.on('error', (error) => this.#lose(`the connection was lost: ${reasonOf(error)}`))
    response.on('close', () => this.#lose('the connection was lost'))
    this.#arm()
  }

  /** Reads no more for now: whoever takes the events has no room. The server will notice. */
  pause(): void {
    clearTimeout(this.#stall)
    this.#response.pause()
  }

  resume(): void {
    if (this.#isClosed) return
    this.#cameAt = performance.now()
    this.#arm()
    this.#response.resume()
  }

  close(): void {
    this.#finish({ reason: 'closed', isFinal: false })
  }

  /** Something came. */
  #mind(): void {
    const now = performance.now()
    this.silenceMsMax = Math.max(this.silenceMsMax, now - this.#cameAt)
    this.#cameAt = now
    this.#stall?.refresh()
  }

  #arm(): void {
    if (this.#stallMs === 0) return
    clearTimeout(this.#stall)
    this.#stall = setTimeout(() => {
      this.#lose(`nothing came for ${this.#stallMs / 1000} s`)
    }, this.#stallMs)
  }

  #lose(reason: string): void {
    this.#finish({ reason, isFinal: false })
  }

  #finish(ending: Ending): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.silenceMsMax = Math.max(this.silenceMsMax, performance.now() - this.#cameAt)
    clearTimeout(this.#stall)
    this.#response.destroy()
    this.#end(ending)
  }
}
