// A subscriber: one stream, and who reads it. Where it stands is in the seats of its feed.
// Shard thread. 10,000 of them are ordinary: every field here is paid that often.
import type { HttpResponse } from 'uWebSockets.js'
import type { Feed } from './feed.ts'
import { BLOCKED } from './seats.ts'
import { openStream, type StreamOwner } from './stream.ts'

/** Who a subscriber is, for the status and for log lines. */
export interface Identity {
  readonly requestPath: string
  readonly clientIp: string
  /** What limits by address go by; '' where there are none. */
  readonly address: string
  readonly userAgent: string
}

/** What a subscriber lacks that was skipped, besides the events that it misses. */
export interface Skip {
  /** The end of a frame of which it has the beginning. */
  readonly rest: Uint8Array
  readonly events: number
}

export class Subscriber implements StreamOwner {
  readonly identity: Identity
  readonly feed: Feed
  readonly response: HttpResponse
  /** Unix ms. */
  readonly createdAt = Date.now()

  /** Its seat in the feed; -1 when it has none. */
  index = -1
  /** Since when it has been behind with a full socket at times (`performance.now()`), else 0. */
  laggingSince = 0
  /** With a full socket: the byte that was written to it last, where that was within a frame. */
  lastByte: number | undefined = undefined
  /** What it must get before anything else, because it was skipped. */
  skip: Skip | undefined = undefined
  /** How often it was skipped, and past how many events in all. */
  skips = 0
  skippedEvents = 0
  /** The feed's event count when it joined. */
  readonly #joinedAt: number

  /** The response's headers must have been written. */
  constructor(response: HttpResponse, feed: Feed, identity: Identity) {
    this.response = response
    this.feed = feed
    this.identity = identity
    this.#joinedAt = feed.eventCount
    openStream(response, this)
  }

  /** Events written to it in full, as long as it has its seat. */
  get sent(): number {
    const position = this.feed.seats.eventCursors[this.index] as number
    return position - this.#joinedAt - this.skippedEvents
  }

  get lagBytes(): number {
    return this.feed.log.head - (this.feed.seats.cursors[this.index] as number)
  }

  get isBlocked(): boolean {
    return this.feed.seats.states[this.index] === BLOCKED
  }

  writable(): void {
    this.feed.unblock(this)
  }

  gone(): void {
    this.feed.leave(this)
  }
}
