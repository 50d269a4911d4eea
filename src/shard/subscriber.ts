// A subscriber: one stream, and its cursor in the log of its feed.
// Shard thread. 10,000 of them are ordinary: every field here is paid that often.
import type { HttpResponse } from 'uWebSockets.js'
import type { Feed } from './feed.ts'
import { Socket, type SocketOwner } from './socket.ts'

/** Who a subscriber is, for the status and for log lines. */
export interface Identity {
  readonly requestPath: string
  readonly clientIp: string
  readonly userAgent: string
}

export class Subscriber implements SocketOwner {
  readonly identity: Identity
  readonly feed: Feed
  readonly socket: Socket
  /** Unix ms. */
  readonly createdAt = Date.now()

  /** Position in the feed's log up to which the socket was given bytes. */
  cursor: number
  /** The feed's event count at the cursor, as of the last time it stood at the head. */
  eventCursor: number
  /** The feed's event count when it joined. */
  readonly #joinedAt: number
  /** Where it stands in the feed's array. */
  index = -1
  /** Its socket is full: nothing is written until it is writable. */
  blocked = false
  /** Since when it has been behind with a full socket at times, Unix ms; 0 when it is not. */
  laggingSince = 0

  constructor(response: HttpResponse, feed: Feed, identity: Identity) {
    this.feed = feed
    this.identity = identity
    this.cursor = feed.log.head
    this.eventCursor = feed.eventCount
    this.#joinedAt = feed.eventCount
    this.socket = new Socket(response, this)
  }

  /** Events written to it in full. */
  get sent(): number {
    return this.eventCursor - this.#joinedAt
  }

  get lagBytes(): number {
    return this.feed.log.head - this.cursor
  }

  writable(): void {
    this.feed.unblock(this)
  }

  gone(): void {
    this.feed.leave(this)
  }
}
