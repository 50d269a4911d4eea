// A shard: the subscribers whose connections one thread accepted, and the events it accepts.
// Shard thread. Fed by the relay; http hands it subscribers and events; the hub hears its acks.

import type { HttpResponse } from 'uWebSockets.js'
import type { Logger } from 'pino'
import type { Config } from '../config/option.ts'
import type { DispatcherState, HubToShards, ShardToHub } from '../hub/message.ts'
import { unknownMessage } from '../hub/message.ts'
import { Addresses } from './addresses.ts'
import { Census } from './census.ts'
import type { Feed, FeedContext } from './feed.ts'
import { FeedIndex } from './feed-index.ts'
import { Flusher } from './flusher.ts'
import { Meter } from './meter.ts'
import { Outbox } from './outbox.ts'
import { SlowJournal } from './slow-journal.ts'
import { type Identity, Subscriber } from './subscriber.ts'

const TICK_MS = 250
/** uWS closes a full socket after 10 s; see keepStream. */
const KEEP_TICKS = 12
/** How fast a feed grows is measured once a second. */
const RATE_TICKS = 4
/** Flushed bytes between two acks: fewer would cost a message per turn and tell nothing new. */
const ACK_BYTES = 64 * 1024

/** Why events are not taken now. */
export type Refusal = 'draining' | 'overloaded'

export class Shard {
  readonly outbox: Outbox
  /** Subscribers, oldest first. */
  readonly roster = new Set<Subscriber>()
  readonly slow: SlowJournal
  readonly census: Census
  readonly feeds: FeedIndex
  readonly meter = new Meter()
  /** What each address has, where an option limits it. */
  readonly addresses: Addresses | undefined
  state: DispatcherState | undefined
  isDraining = false

  readonly #config: Config
  readonly #log: Logger
  readonly #post: (message: ShardToHub) => void
  readonly #flusher: Flusher
  readonly #timer: NodeJS.Timeout
  #ticks = 0
  #tickedAt = performance.now()

  // Positions in the relay: received, at the start of the round, told to the hub.
  #received = 0
  #roundPosition = 0
  #acked = 0

  constructor(config: Config, number: number, log: Logger, post: (message: ShardToHub) => void) {
    this.#config = config
    this.#log = log
    this.slow = new SlowJournal(log, number)
    this.census = new Census(config.connectionsMax, config.threads, (count) => {
      post({ type: 'connections', count })
    })
    this.addresses = Addresses.of(config, log, (use) => post({ type: 'addresses', use }))
    this.#post = post
    this.outbox = new Outbox(config.inflightBytesMax, (batch, acceptedMs) => {
      post({ type: 'batch', batch, acceptedMs })
    })
    this.#flusher = new Flusher(
      () => {
        this.#roundPosition = this.#received
        this.meter.roundBegins()
      },
      () => {
        this.#ack(this.#roundPosition, ACK_BYTES)
        this.meter.roundEnds()
      },
      () => this.meter.sliceEnds(),
    )
    this.feeds = new FeedIndex(this.#feedContext())
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
        const { batch, acceptedMs, origins, position } = message
        for (let pair = 0; pair < origins.length; pair += 2) {
          if (origins[pair] === self) this.outbox.returned(origins[pair + 1] as number)
        }
        this.meter.received(acceptedMs)
        this.feeds.append(batch)
        this.#received = position
        if (this.#flusher.isIdle) this.#ack(position, ACK_BYTES)
        return
      }
      case 'state':
        this.state = message.state
        return
      case 'connections':
        this.census.heard(message.counts, self)
        return
      case 'addresses':
        if (message.shard !== self) this.addresses?.heard(message.shard, message.use)
        return
      default:
        throw unknownMessage(message)
    }
  }

  /** A stream whose headers have been written; it gets every event from now on. */
  subscribe(response: HttpResponse, topic: string, identity: Identity): void {
    const feed = this.feeds.feedOf(topic)
    const subscriber = new Subscriber(response, feed, identity)
    feed.join(subscriber)
    this.roster.add(subscriber)
    this.meter.streamsOpened++
    this.addresses?.changed(identity.address, 1)
    this.#log.debug({ topic, address: identity.clientIp }, 'subscriber connected')
  }

  /** Everything that can be written has been. */
  get isFlushed(): boolean {
    return this.#flusher.isIdle
  }

  close(): void {
    clearInterval(this.#timer)
    this.addresses?.close()
  }

  #feedContext(): FeedContext {
    const config = this.#config
    return {
      writeBytesMax: config.writeBytesMax,
      lagBytesMax: config.lagBytesMax,
      lagMsMax: config.lagSecondsMax * 1000,
      lagPolicy: config.lagPolicy,
      announceSkips: config.announceSkips,
      heartbeatMs: config.heartbeatSeconds * 1000,
      meter: this.meter,
      dirty: (feed: Feed) => this.#flusher.add(feed),
      left: (subscriber: Subscriber, sent: number) => this.#left(subscriber, sent),
      slow: (...laggard) => this.slow.closed(...laggard),
      skipped: (...laggard) => this.slow.skipped(...laggard),
    }
  }

  #left(subscriber: Subscriber, sent: number): void {
    this.roster.delete(subscriber)
    this.meter.streamsClosed++
    this.feeds.dropIfEmpty(subscriber.feed)
    const { feed, identity } = subscriber
    this.addresses?.changed(identity.address, -1)
    this.#log.debug({ topic: feed.topic, address: identity.clientIp, sent }, 'subscriber left')
  }

  /** The only timer: heartbeats, lag by time, and the ack of a tail below ACK_BYTES. */
  #tick(): void {
    const now = performance.now()
    this.meter.timerWasLate(Math.max(0, now - this.#tickedAt - TICK_MS))
    this.#tickedAt = now
    const keep = ++this.#ticks % KEEP_TICKS === 0
    const sample = this.#ticks % RATE_TICKS === 0
    for (const feed of this.feeds) {
      feed.tick(now)
      if (keep) feed.keepBlocked()
      if (sample) feed.rate.sample(feed.eventCount, now)
    }
    if (this.#flusher.isIdle) this.#ack(this.#received, 1)
  }

  #ack(position: number, bytesMin: number): void {
    if (position - this.#acked < bytesMin) return
    this.#acked = position
    this.#post({ type: 'ack', position })
  }
}
