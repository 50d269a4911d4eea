// A feed: one selection of topics, its log, and the subscribers that asked for exactly that.
// Shard thread. Frames come from the feed index; bytes go to the subscribers' sockets.
import { COMMENT } from '../event/frame.ts'
import { Log } from './log.ts'
import type { Subscriber } from './subscriber.ts'

/** Why we close a subscriber whose socket is full. */
export type SlowReason = 'lag_bytes' | 'lag_seconds'

/** What a feed needs of its shard. */
export interface FeedContext {
  readonly writeBytesMax: number
  readonly lagBytesMax: number
  readonly lagMsMax: number
  readonly heartbeatMs: number
  /** The feed has something to write. */
  dirty(feed: Feed): void
  /** A subscriber is gone, whoever closed it. */
  left(subscriber: Subscriber): void
  /** A subscriber is about to be closed because it lags. */
  slow(subscriber: Subscriber, reason: SlowReason): void
}

/** Deliveries between two looks at the clock: about 40 µs of work. */
const DELIVERIES_PER_LOOK = 8

/** A feed without events for so long gives its log's memory back. */
const TRIM_MS = 5000

export class Feed {
  readonly topic: string
  readonly log = new Log()
  /** Events appended since the feed began. */
  eventCount = 0
  /** In the flusher's queue. */
  isDirty = false

  readonly #context: FeedContext
  readonly #subscribers: Subscriber[] = []
  readonly #blocked = new Set<Subscriber>()
  #appendedAt = Date.now()

  // The pass in progress. Subscribers before #next have been visited; when it ends, everyone that
  // could take it has what was in the log when it began, up to #passHead.
  #passing = false
  #next = 0
  #passHead = 0
  /** Least cursor of those visited, and of those among them that are not blocked. */
  #tail = 0
  #readyTail = 0

  // The range written last. Nearly all subscribers stand at the same cursor, so the bytes of a
  // flush are looked up once and shared.
  #viewFrom = -1
  #viewTo = -1
  #view: Uint8Array = COMMENT

  constructor(topic: string, context: FeedContext) {
    this.topic = topic
    this.#context = context
  }

  get isEmpty(): boolean {
    return this.#subscribers.length === 0
  }

  /** Appends whole frames that hold `events` events. */
  append(bytes: Uint8Array, events: number): void {
    this.log.append(bytes)
    this.#forgetView()
    this.eventCount += events
    this.#appendedAt = Date.now()
    if (this.log.heldBytes > this.#context.lagBytesMax) this.#closeLaggards()
    this.#context.dirty(this)
  }

  /** From now on the subscriber gets what is appended; nothing from before. */
  join(subscriber: Subscriber): void {
    subscriber.index = this.#subscribers.push(subscriber) - 1
  }

  /** Takes the subscriber out; it may be called for one that is out already. */
  leave(subscriber: Subscriber): void {
    let hole = subscriber.index
    if (hole === -1) return
    subscriber.index = -1
    this.#blocked.delete(subscriber)
    // The pass in progress must still visit everyone exactly once: the last one that was visited
    // fills the hole, and the last one of all fills the place which that leaves.
    if (hole < this.#next) {
      this.#next--
      this.#move(this.#next, hole)
      hole = this.#next
    }
    this.#move(this.#subscribers.length - 1, hole)
    this.#subscribers.pop()
    this.#context.left(subscriber)
  }

  #move(from: number, to: number): void {
    if (from === to) return
    const subscriber = this.#subscribers[from] as Subscriber
    this.#subscribers[to] = subscriber
    subscriber.index = to
  }

  /**
   * Goes on with the pass over all subscribers until `deadline` (of `performance.now()`).
   * @returns true when the pass has ended
   */
  flush(deadline: number): boolean {
    if (!this.#passing) {
      this.#passing = true
      this.#passHead = this.log.head
      this.#rewind()
    }
    let untilLook = DELIVERIES_PER_LOOK
    for (;;) {
      while (this.#next < this.#subscribers.length) {
        const subscriber = this.#subscribers[this.#next++] as Subscriber
        const isDue = !subscriber.blocked && subscriber.cursor !== this.log.head
        if (isDue) this.#deliver(subscriber)
        if (subscriber.cursor < this.#tail) this.#tail = subscriber.cursor
        if (!subscriber.blocked && subscriber.cursor < this.#readyTail) {
          this.#readyTail = subscriber.cursor
        }
        if (!isDue || --untilLook > 0) continue
        if (performance.now() >= deadline) return false
        untilLook = DELIVERIES_PER_LOOK
      }
      this.log.release(this.#tail)
      // A view keeps its whole buffer alive, also one that the log has given back.
      if (this.log.heldBytes === 0) this.#forgetView()
      if (this.#readyTail >= this.#passHead) break
      // Someone has more to get than one write may hold: round again.
      this.#rewind()
    }
    this.#passing = false
    this.#next = 0
    if (this.#readyTail < this.log.head) this.#context.dirty(this)
    return true
  }

  #forgetView(): void {
    this.#viewTo = -1
    this.#view = COMMENT
  }

  #rewind(): void {
    this.#next = 0
    this.#tail = this.log.head
    this.#readyTail = this.log.head
  }

  /** Writes what the subscriber lacks, at most `writeBytesMax`. */
  #deliver(subscriber: Subscriber): void {
    const { head } = this.log
    const from = subscriber.cursor
    const to = Math.min(head, from + this.#context.writeBytesMax)
    if (from !== this.#viewFrom || to !== this.#viewTo) {
      this.#view = this.log.view(from, to)
      this.#viewFrom = from
      this.#viewTo = to
    }
    const atHead = to === head
    const hasRoom = subscriber.socket.write(this.#view, atHead)
    subscriber.cursor = to
    if (atHead) subscriber.eventCursor = this.eventCount
    if (!hasRoom) this.#block(subscriber)
    else if (atHead) subscriber.laggingSince = 0
  }

  #block(subscriber: Subscriber): void {
    subscriber.blocked = true
    this.#blocked.add(subscriber)
    if (subscriber.laggingSince === 0) subscriber.laggingSince = Date.now()
  }

  /** The subscriber's socket has room again: it goes on from its cursor at once. */
  unblock(subscriber: Subscriber): void {
    if (!subscriber.blocked) return
    subscriber.blocked = false
    this.#blocked.delete(subscriber)
    if (subscriber.cursor < this.log.head) {
      this.#deliver(subscriber)
      if (!subscriber.blocked && subscriber.cursor < this.log.head) this.#context.dirty(this)
    } else {
      // The write that filled the socket may have left its closing write out.
      subscriber.laggingSince = 0
      if (!subscriber.socket.writeClosing()) this.#block(subscriber)
    }
  }

  #closeLaggards(): void {
    for (const subscriber of this.#blocked) {
      if (subscriber.lagBytes > this.#context.lagBytesMax) this.#close(subscriber, 'lag_bytes')
    }
  }

  #close(subscriber: Subscriber, reason: SlowReason): void {
    this.#context.slow(subscriber, reason)
    subscriber.socket.destroy()
  }

  /** A few times a second: heartbeat when idle, an end for those that lag too long. */
  tick(now: number): void {
    for (const subscriber of this.#blocked) {
      if (now - subscriber.laggingSince > this.#context.lagMsMax) {
        this.#close(subscriber, 'lag_seconds')
      }
    }
    if (now - this.#appendedAt >= TRIM_MS) {
      this.log.trim()
      // Who was blocked has caught up or left since the last pass: one more releases what it held.
      if (this.log.heldBytes > 0 && this.#blocked.size === 0) this.#context.dirty(this)
    }
    // A heartbeat is a frame like any other, so cursors, back-pressure and slices serve it too;
    // every stream of a feed has been idle for as long as the feed.
    if (now - this.#appendedAt >= this.#context.heartbeatMs) this.append(COMMENT, 0)
  }

  /** Keeps uWS from closing full sockets by its own 10 s rule; due every few seconds. */
  keepBlocked(): void {
    for (const subscriber of this.#blocked) subscriber.socket.keep()
  }
}
