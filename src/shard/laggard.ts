// The laggards of a feed: subscribers whose socket is full, and what is done about those that lag too
// far: closed, or skipped to the head of the log. Shard thread. Costs nothing where nobody lags.
import { countEvents, frameEnd, skipFrames } from '../event/frame.ts'
import type { SlowReason } from '../hub/inquiry.ts'
import type { Feed, FeedContext } from './feed.ts'
import { BLOCKED, READY } from './seats.ts'
import { closeStream, keepStream } from './stream.ts'
import type { Subscriber } from './subscriber.ts'

const LF = 0x0a

const NOTHING = new Uint8Array()

export class Laggards {
  readonly #feed: Feed
  readonly #context: FeedContext
  readonly #blocked = new Set<Subscriber>()

  // Laggards that stalled together stand at one position: what lies behind it is counted once.
  #countedFrom = -1
  #countedTo = -1
  #counted = 0

  constructor(feed: Feed, context: FeedContext) {
    this.#feed = feed
    this.#context = context
  }

  get size(): number {
    return this.#blocked.size
  }

  /** The socket of a seat is full. @param lastByte written; undefined where a frame ended with it */
  block(seat: number, lastByte: number | undefined): void {
    const { seats } = this.#feed
    const subscriber = seats.subscribers[seat] as Subscriber
    seats.states[seat] = BLOCKED
    this.#blocked.add(subscriber)
    subscriber.lastByte = lastByte
    if (subscriber.laggingSince === 0) subscriber.laggingSince = performance.now()
  }

  /** It has room again, or is gone. */
  forget(subscriber: Subscriber): void {
    this.#blocked.delete(subscriber)
  }

  caughtUp(seat: number): void {
    const { seats } = this.#feed
    seats.states[seat] = READY
    ;(seats.subscribers[seat] as Subscriber).laggingSince = 0
  }

  /** The log has grown: who is too far behind? */
  checkBytes(): void {
    for (const subscriber of this.#blocked) {
      if (subscriber.lagBytes > this.#context.lagBytesMax) this.#end(subscriber, 'lag_bytes')
    }
  }

  checkTime(now: number): void {
    for (const subscriber of this.#blocked) {
      if (now - subscriber.laggingSince > this.#context.lagMsMax) {
        this.#end(subscriber, 'lag_seconds')
      }
    }
  }

  /** Keeps uWS from closing full sockets by its own 10 s rule. */
  keep(): void {
    for (const { response } of this.#blocked) keepStream(response)
  }

  /**
   * The patience with a subscriber is at its end. One that was skipped and has taken nothing in all
   * the time since then is not slow, but gone: it is closed under either policy.
   */
  #end(subscriber: Subscriber, reason: SlowReason): void {
    const isGone = reason === 'lag_seconds' && subscriber.skip !== undefined
    if (this.#context.lagPolicy === 'skip' && !isGone) {
      this.#skip(subscriber, reason)
      return
    }
    this.#context.slow(subscriber, reason)
    closeStream(subscriber.response)
  }

  /** Drops what the subscriber lacks, but for the rest of a frame of which it has the beginning. */
  #skip(subscriber: Subscriber, reason: SlowReason): void {
    const { log, seats, eventCount } = this.#feed
    const { index } = subscriber
    const cursor = seats.cursors[index] as number
    const rest = this.#restOfFrame(subscriber, cursor)
    const events = this.#eventsFrom(cursor + rest.length)
    this.#context.skipped(subscriber, reason, events)
    // Its socket has not room for the notice of the last one: both are one.
    const { skip } = subscriber
    subscriber.skip = { rest: skip?.rest ?? rest, events: events + (skip?.events ?? 0) }
    if (skip === undefined) subscriber.laggingSince = performance.now()
    subscriber.skips++
    subscriber.skippedEvents += events
    subscriber.lastByte = undefined
    seats.cursors[index] = log.head
    seats.eventCursors[index] = eventCount
  }

  /** Copied: the log lets go of it. Empty where the cursor stands between frames. */
  #restOfFrame({ lastByte }: Subscriber, cursor: number): Uint8Array {
    if (lastByte === undefined) return NOTHING
    const lacking = this.#feed.log.view(cursor, this.#feed.log.head)
    return new Uint8Array(lacking.subarray(0, frameEnd(lacking, lastByte === LF)))
  }

  #eventsFrom(position: number): number {
    const { log } = this.#feed
    if (position !== this.#countedFrom || log.head !== this.#countedTo) {
      this.#counted = countEvents(log.view(position, log.head))
      this.#countedFrom = position
      this.#countedTo = log.head
    }
    return this.#counted
  }
}

/** What a skipped subscriber gets first when its socket has room again. */
export function skipNotice({ skip }: Subscriber, isAnnounced: boolean): Uint8Array {
  if (skip === undefined) return NOTHING
  return Buffer.concat([skip.rest, skipFrames(skip.events, isAnnounced)])
}
