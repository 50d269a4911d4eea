// A shard: the subscribers whose connections one thread accepted, and the events it accepts.
// Shard thread. Fed by the relay; http hands it subscribers and events; the hub hears its acks.

import type { HttpResponse } from 'uWebSockets.js'
import type { Logger } from 'pino'
import type { Config } from '../config/option.ts'
import type { DispatcherState, HubToShards, ShardToHub } from '../hub/message.ts'
import { unknownMessage } from '../hub/message.ts'
import type { Feed, FeedContext, SlowReason } from './feed.ts'
import { FeedIndex } from './feed-index.ts'
import { Flusher } from './flusher.ts'
import { Outbox } from './outbox.ts'
import type { Socket } from './socket.ts'
import { type Identity, Subscriber } from './subscriber.ts'

const TICK_MS = 250
/** uWS closes a full socket after 10 s; see Socket.keep. */
const KEEP_TICKS = 12
/** Flushed bytes between two acks: fewer would cost a message per turn and tell nothing new. */
const ACK_BYTES = 64 * 1024

/** Why events are not taken now. */
export type Refusal = 'draining' | 'overloaded'

export class Shard {
  readonly outbox: Outbox
  /** Subscribers, oldest first. */
  readonly roster = new Set<Subscriber>()
  closedSlow = 0
  state: DispatcherState | undefined
  isDraining = false

  readonly #config: Config
  readonly #log: Logger
  readonly #post: (message: ShardToHub) => void
  readonly #feeds: FeedIndex
  readonly #flusher: Flusher
  readonly #timer: NodeJS.Timeout
  #ticks = 0

  // Positions in the relay: received, at the start of the round, told to the hub.
  #received = 0
  #roundPosition = 0
  #acked = 0

  constructor(config: Config, log: Logger, post: (message: ShardToHub) => void) {
    this.#config = config
    this.#log = log
    this.#post = post
    this.outbox = new Outbox(config.inflightBytesMax, (batch) => post({ type: 'batch', batch }))
    this.#flusher = new Flusher(
      () => {
        this.#roundPosition = this.#received
      },
      () => this.#ack(this.#roundPosition, ACK_BYTES),
    )
    this.#feeds = new FeedIndex(this.#feedContext())
    this.#timer = setInterval(() => this.#tick(), TICK_MS)
  }

  /** Nothing when events are taken; else why not. */
  get refusal(): Refusal | undefined {
    if (this.isDraining) return 'draining'
    return this.state?.overloaded || this.outbox.isFull ? 'overloaded' : undefined
  }

  /** A message of the relay. `finish` is for the thread, which ends the shard. */
  receive(message: Exclude<HubToShards, { type: 'finish' }>, self: number): void {
    switch (message.type) {
      case 'batch': {
        const { batch, origins, position } = message
        for (let pair = 0; pair < origins.length; pair += 2) {
          if (origins[pair] === self) this.outbox.returned(origins[pair + 1] as number)
        }
        this.#feeds.append(batch)
        this.#received = position
        if (this.#flusher.isIdle) this.#ack(position, ACK_BYTES)
        return
      }
      case 'state':
        this.state = message.state
        return
      default:
        throw unknownMessage(message)
    }
  }

  /** A stream whose headers have been written; it gets every event from now on. */
  subscribe(response: HttpResponse, topic: string, identity: Identity): Socket {
    const feed = this.#feeds.feedOf(topic)
    const subscriber = new Subscriber(response, feed, identity)
    feed.join(subscriber)
    this.roster.add(subscriber)
    this.#log.debug({ topic, address: identity.clientIp }, 'subscriber connected')
    return subscriber.socket
  }

  /** Everything that can be written has been. */
  get isFlushed(): boolean {
    return this.#flusher.isIdle
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #feedContext(): FeedContext {
    const config = this.#config
    return {
      writeBytesMax: config.writeBytesMax,
      lagBytesMax: config.lagBytesMax,
      lagMsMax: config.lagSecondsMax * 1000,
      heartbeatMs: config.heartbeatSeconds * 1000,
      dirty: (feed: Feed) => this.#flusher.add(feed),
      left: (subscriber: Subscriber) => this.#left(subscriber),
      slow: (subscriber: Subscriber, reason: SlowReason) => this.#slow(subscriber, reason),
    }
  }

  #left(subscriber: Subscriber): void {
    this.roster.delete(subscriber)
    this.#feeds.dropIfEmpty(subscriber.feed)
    const { feed, identity, sent } = subscriber
    this.#log.debug({ topic: feed.topic, address: identity.clientIp, sent }, 'subscriber left')
  }

  #slow(subscriber: Subscriber, reason: SlowReason): void {
    this.closedSlow++
    const { feed, identity, lagBytes, laggingSince, sent } = subscriber
    this.#log.warn(
      {
        topic: feed.topic,
        address: identity.clientIp,
        userAgent: identity.userAgent,
        reason,
        lagBytes,
        lagSeconds: (Date.now() - laggingSince) / 1000,
        sent,
      },
      'slow subscriber closed',
    )
  }

  /** The only timer: heartbeats, lag by time, and the ack of a tail below ACK_BYTES. */
  #tick(): void {
    const now = Date.now()
    const keep = ++this.#ticks % KEEP_TICKS === 0
    for (const feed of this.#feeds) {
      feed.tick(now)
      if (keep) feed.keepBlocked()
    }
    if (this.#flusher.isIdle) this.#ack(this.#received, 1)
  }

  #ack(position: number, bytesMin: number): void {
    if (position - this.#acked < bytesMin) return
    this.#acked = position
    this.#post({ type: 'ack', position })
  }
}
