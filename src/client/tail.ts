// `carillon tail`: reads a stream, prints its events, and comes back when it is lost. Main thread of
// its own process.
import type { IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { EventSourceMessage } from 'eventsource-parser'
import type { TailOrder } from '../config/client-parse.ts'
import { topicUrl } from './address.ts'
import { Failure } from './failure.ts'
import { LagMeter } from './lag.ts'
import type { Arrival } from './line.ts'
import { ask, readRefusal } from './request.ts'
import { type Reader, Stream } from './stream.ts'

/** Until the stream says otherwise, it is come back to after this to twice this many ms. */
const RETRY_MS = 1000
/** A stream that says 0 and ends at once would have us ask for it all the time. */
const RETRY_MS_MIN = 100
/** After failed attempts the time doubles up to this, unless the stream said more. */
const BACKOFF_MS_MAX = 30_000
/** Output that takes nothing for so long is told of, in ms. */
const HELD_MS = 1000

/** Too many requests, and busy: these pass, also at the first attempt. */
const BUSY: ReadonlySet<number> = new Set([429, 503])
/** What a proxy answers while the server behind it is away. */
const AWAY: ReadonlySet<number> = new Set([502, 504])

/** Where it writes to. */
export interface TailOutput {
  /** Takes an event. @returns false where it must be waited for: `resume` of the tail is next */
  readonly print: (arrival: Arrival) => boolean
  /** A line for people. */
  readonly note: (line: string) => void
}

/** Why there is no stream now. */
interface Loss {
  readonly reason: string
  /** The least time to wait, as an answer said. */
  readonly waitSeconds: number
}

export class Tail implements Reader {
  readonly #order: TailOrder
  readonly #url: URL
  readonly #userAgent: string
  readonly #output: TailOutput
  readonly #lag: LagMeter | undefined
  #stream: Stream | undefined
  readonly #ending = new AbortController()
  #lastEventId = ''
  #retryMs = RETRY_MS * (1 + Math.random())
  /** Attempts in a row that brought no stream. */
  #failures = 0
  #connections = 0
  #events = 0
  /** All that were skipped, and those of them since the last event. */
  #skippedTotal = 0
  #skipped = 0
  #silenceMsMax = 0
  #heldAt: number | undefined

  /** @throws CarillonError for a topic that no server would take */
  constructor(order: TailOrder, userAgent: string, output: TailOutput) {
    const { target, options } = order
    this.#order = order
    this.#userAgent = userAgent
    this.#output = output
    this.#url = target instanceof URL ? target : topicUrl(options.url, 'subscribe', target)
    this.#lag = options.sentAt === '' ? undefined : new LagMeter(options.sentAt)
  }

  /**
   * Resolves when it has all it was to get, or `end` was called.
   * @throws Failure where it gives up
   */
  async run(): Promise<void> {
    const { reconnectsMax } = this.#order.options
    for (;;) {
      const loss = await this.#read()
      if (this.#ending.signal.aborted || loss === undefined) return
      if (this.#failures >= reconnectsMax) {
        const often = this.#failures === 0 ? '' : `, given up after ${this.#failures} attempts`
        throw new Failure(`${loss.reason}${often}`)
      }
      const waitMs = this.#pauseMs(loss)
      this.#output.note(`${loss.reason}; trying again in ${(waitMs / 1000).toFixed(1)} s`)
      // Rejects where `end` is called meanwhile.
      await sleep(waitMs, undefined, { signal: this.#ending.signal }).catch(() => {})
      if (this.#ending.signal.aborted) return
    }
  }

  /** Wants nothing more. */
  end(): void {
    this.#ending.abort()
    this.#stream?.close()
  }

  /** The output takes events again. */
  resume(): void {
    const heldMs = performance.now() - (this.#heldAt ?? performance.now())
    this.#heldAt = undefined
    this.#stream?.resume()
    if (heldMs < HELD_MS) return
    const held = `the output took nothing for ${(heldMs / 1000).toFixed(1)} s`
    this.#output.note(`${held}: a reader this slow may be skipped or closed by the server`)
  }

  /** What there was, in a line. */
  summary(): string {
    const silenceMs = Math.max(this.#silenceMsMax, this.#stream?.silenceMsMax ?? 0)
    const parts = [counted(this.#events, 'event'), counted(this.#connections, 'connection')]
    if (this.#skippedTotal > 0) parts.push(`${this.#skippedTotal} skipped`)
    return `${parts.join(', ')}, longest silence ${(silenceMs / 1000).toFixed(1)} s`
  }

  event({ event = 'message', id, data }: EventSourceMessage): void {
    const { count } = this.#order.options
    const at = Date.now()
    if (id !== undefined) this.#lastEventId = id
    this.#events++
    const isTaken = this.#output.print({
      at,
      event,
      id,
      data,
      connection: this.#connections,
      skipped: this.#skipped,
      lagMs: this.#lag?.read(data, at),
    })
    this.#skipped = 0
    if (this.#events === count) this.end()
    else if (!isTaken && this.#heldAt === undefined) {
      this.#heldAt = performance.now()
      this.#stream?.pause()
    }
  }

  comment(text: string): void {
    const events = Number(/^ ?skipped (\d+) events?$/.exec(text)?.[1] ?? 0)
    if (events === 0) return
    this.#skipped += events
    this.#skippedTotal += events
    this.#output.note(`the server skipped ${counted(events, 'event')}: this reader is too slow`)
  }

  retry(ms: number): void {
    this.#retryMs = ms
  }

  /** Reads one stream to its end. @returns undefined where there is none any more */
  async #read(): Promise<Loss | undefined> {
    let response: IncomingMessage
    try {
      response = await this.#ask()
    } catch (error) {
      // A server that was never there is likely a wrong address.
      if (!(error instanceof Failure) || this.#connections === 0) throw error
      this.#failures++
      return { reason: error.message, waitSeconds: 0 }
    }
    const { statusCode } = response
    // WHATWG HTML, 9.2.3: that tells a client to stop coming back.
    if (statusCode === 204) {
      response.destroy()
      this.#output.note('the server says that there is no more (204)')
      return undefined
    }
    if (statusCode !== 200) return this.#refused(response)
    const type = response.headers['content-type'] ?? 'none'
    if (!/^text\/event-stream\s*(;|$)/i.test(type)) {
      response.destroy()
      throw new Failure(`${this.#shown} is no stream of events: its Content-Type is ${type}`)
    }
    this.#failures = 0
    this.#connections++
    const from = this.#lastEventId === '' ? '' : `, from after the event ${this.#lastEventId}`
    const word = this.#connections === 1 ? 'reading' : 'reading again'
    this.#output.note(`${word} ${this.#shown}${from}`)
    const stream = new Stream(response, this, this.#order.options)
    this.#stream = stream
    if (this.#heldAt !== undefined) stream.pause()
    const { reason, isFinal } = await stream.ended
    this.#silenceMsMax = Math.max(this.#silenceMsMax, stream.silenceMsMax)
    if (isFinal) throw new Failure(reason)
    return { reason, waitSeconds: 0 }
  }

  #ask(): Promise<IncomingMessage> {
    const { options, token } = this.#order
    // As UTF-8 on the wire; Node takes header values as Latin-1. One that it refuses is left out.
    const id = Buffer.from(this.#lastEventId).toString('latin1')
    const hasId = /^[\t\x20-\x7e\x80-\xff]+$/.test(id)
    return ask(this.#url, {
      method: 'GET',
      headers: {
        Accept: 'text/event-stream',
        'Cache-Control': 'no-cache',
        ...(hasId && { 'Last-Event-ID': id }),
      },
      token,
      userAgent: this.#userAgent,
      timeoutSeconds: options.timeoutSeconds,
    })
  }

  async #refused(response: IncomingMessage): Promise<Loss> {
    const { timeoutSeconds } = this.#order.options
    const { status, reason, retryAfterSeconds } = await readRefusal(response, timeoutSeconds)
    const isPassing = BUSY.has(status) || (AWAY.has(status) && this.#connections > 0)
    if (!isPassing) throw new Failure(reason)
    this.#failures++
    return { reason, waitSeconds: retryAfterSeconds ?? 0 }
  }

  #pauseMs({ waitSeconds }: Loss): number {
    let ms = this.#retryMs
    if (this.#failures > 1) {
      // Half at random: all who lost a server must not come back to it at once.
      const doubled = this.#retryMs * 2 ** (this.#failures - 1)
      ms = Math.min(doubled, Math.max(this.#retryMs, BACKOFF_MS_MAX)) * (0.5 + Math.random() / 2)
    }
    const least = Math.max(ms, waitSeconds * 1000, RETRY_MS_MIN)
    return Math.min(least, this.#order.options.waitSecondsMax * 1000)
  }

  /** The URL without its query, which may have a token. */
  get #shown(): string {
    return this.#url.origin + this.#url.pathname
  }
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
