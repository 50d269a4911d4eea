// A feed: one selection of topics, its log, and the subscribers that asked for exactly that.
// Shard thread. Frames come from the feed index; bytes go to the subscribers' sockets.
import type { HttpResponse } from 'uWebSockets.js'
import { COMMENT } from '../event/frame.ts'
import type { SlowReason } from '../hub/inquiry.ts'
import { Rate } from '../hub/rate.ts'
import { Laggards, skipNotice } from './laggard.ts'
import { Log } from './log.ts'
import type { Meter } from './meter.ts'
import { BLOCKED, LAGGING, Seats } from './seats.ts'
import { writeClosing, writeStream } from './stream.ts'
import type { Subscriber } from './subscriber.ts'

/** What a feed needs of its shard. */
export interface FeedContext {
  readonly writeBytesMax: number
  readonly lagBytesMax: number
  readonly lagMsMax: number
  /** What becomes of a subscriber past a limit. */
  readonly lagPolicy: 'close' | 'skip'
  /** Skipped subscribers are told by an event, too. */
  readonly announceSkips: boolean
  readonly heartbeatMs: number
  readonly meter: Meter
  /** The feed has something to write. */
  dirty(feed: Feed): void
  /** A subscriber is gone, whoever closed it, after so many events. */
  left(subscriber: Subscriber, sent: number): void
  /** A subscriber is about to be closed because it lags. */
  slow(subscriber: Subscriber, reason: SlowReason): void
  /** A subscriber is about to be skipped to the head, past so many events, because it lags. */
  skipped(subscriber: Subscriber, reason: SlowReason, events: number): void
}

/**
 * Work between two looks at the clock, 150 to 200 µs of it: a delivery is 1, and 1 more for each
 * 32 KiB; so are 1,024 seats where nothing is to be done. A look is 0.9 µs: one after every eighth delivery was 2 % of a pass.
 */
const WORK_PER_LOOK = 32
const BYTES_PER_WORK = 32 * 1024
const VISITS_PER_WORK = 1024

/** A feed without events for so long gives its log's memory back. */
const TRIM_MS = 5000

export class Feed {
  readonly topic: string
  readonly log = new Log()
  /** Events appended since the feed began. */
  eventCount = 0
  readonly rate = new Rate(0, performance.now())
  /** In the flusher's queue. */
  isDirty = false

  readonly seats = new Seats()
  readonly #context: FeedContext
  readonly #laggards: Laggards
  #appendedAt = performance.now()

  // The pass in progress. Seats before #next have been visited; when it ends, everyone that
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
    this.#laggards = new Laggards(this, context)
  }

  get isEmpty(): boolean {
    return this.seats.length === 0
  }

  /** Appends whole frames that hold `events` events. */
  append(bytes: Uint8Array, events: number): void {
    this.log.append(bytes)
    this.#forgetView()
    this.eventCount += events
    this.#appendedAt = performance.now()
    if (this.log.heldBytes > this.#context.lagBytesMax) this.#laggards.checkBytes()
    this.#context.dirty(this)
  }

  /** From now on the subscriber gets what is appended; nothing from before. */
  join(subscriber: Subscriber): void {
    this.seats.add(subscriber, this.log.head, this.eventCount)
  }

  /** Takes the subscriber out; it may be called for one that is out already. */
  leave(subscriber: Subscriber): void {
    let hole = subscriber.index
    if (hole === -1) return
    const { sent } = subscriber
    subscriber.index = -1
    this.#laggards.forget(subscriber)
    // The pass in progress must still visit everyone exactly once: the last one that was visited
    // fills the hole, and the last one of all fills the place which that leaves.
    if (hole < this.#next) {
      this.#next--
      this.seats.move(this.#next, hole)
      hole = this.#next
    }
    this.seats.move(this.seats.length - 1, hole)
    this.seats.removeLast()
    this.#context.left(subscriber, sent)
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
    const { cursors, states } = this.seats
    let untilLook = WORK_PER_LOOK
    for (;;) {
      while (this.#next < cursors.length) {
        const seat = this.#next++
        const from = cursors[seat] as number
        const isDue = from !== this.log.head && states[seat] !== BLOCKED
        const cursor = isDue ? this.#deliver(seat, from) : from
        if (cursor < this.#tail) this.#tail = cursor
        if (cursor < this.#readyTail && states[seat] !== BLOCKED) this.#readyTail = cursor
        if (!isDue) continue
        untilLook -= 1 + (cursor - from) / BYTES_PER_WORK
        if (untilLook > 0) continue
        if (performance.now() >= deadline) return false
        untilLook = WORK_PER_LOOK
      }
      this.log.release(this.#tail)
      // A view keeps its whole buffer alive, also one that the log has given back.
      if (this.log.heldBytes === 0) this.#forgetView()
      if (this.#readyTail >= this.#passHead) break
      // Someone has more to get than one write may hold: round again, past all who have it all.
      untilLook -= cursors.length / VISITS_PER_WORK
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

  /**
   * Writes what the subscriber of a seat lacks, at most `writeBytesMax`.
   * @returns its cursor now
   */
  #deliver(seat: number, from: number): number {
    const { seats } = this
    const { head } = this.log
    const to = Math.min(head, from + this.#context.writeBytesMax)
    if (from !== this.#viewFrom || to !== this.#viewTo) {
      this.#view = this.log.view(from, to)
      this.#viewFrom = from
      this.#viewTo = to
    }
    const atHead = to === head
    // uWS tells of lost connections from its loop, never within a write: this seat keeps its subscriber.
    const hasRoom = writeStream(seats.responses[seat] as HttpResponse, this.#view, atHead)
    seats.cursors[seat] = to
    const { meter } = this.#context
    meter.writes++
    meter.deliveredBytes += to - from
    if (atHead) {
      meter.deliveries += this.eventCount - (seats.eventCursors[seat] as number)
      seats.eventCursors[seat] = this.eventCount
    }
    if (!hasRoom) this.#laggards.block(seat, atHead ? undefined : this.#view.at(-1))
    else if (atHead && seats.states[seat] === LAGGING) this.#laggards.caughtUp(seat)
    return to
  }

  /** The subscriber's socket has room again: it goes on from its cursor at once. */
  unblock(subscriber: Subscriber): void {
    if (!subscriber.isBlocked) return
    const seat = subscriber.index
    const { cursors, states } = this.seats
    states[seat] = LAGGING
    this.#laggards.forget(subscriber)
    const from = cursors[seat] as number
    if (!this.#writeNotice(subscriber, from === this.log.head)) return
    if (from < this.log.head) {
      const cursor = this.#deliver(seat, from)
      if (states[seat] !== BLOCKED && cursor < this.log.head) this.#context.dirty(this)
    } else {
      // The write that filled the socket may have left its closing write out.
      this.#laggards.caughtUp(seat)
      if (!writeClosing(subscriber.response)) this.#laggards.block(seat, undefined)
    }
  }

  /**
   * What a subscriber that was skipped must have before anything else.
   * @returns false where its socket is full again
   */
  #writeNotice(subscriber: Subscriber, closing: boolean): boolean {
    const notice = skipNotice(subscriber, this.#context.announceSkips)
    if (notice.length === 0) return true
    subscriber.skip = undefined
    if (writeStream(subscriber.response, notice, closing)) return true
    this.#laggards.block(subscriber.index, undefined)
    return false
  }

  /**
   * A few times a second: heartbeat when idle, an end for those that lag too long.
   * @param now of `performance.now()`, a clock that nobody can set
   */
  tick(now: number): void {
    this.#laggards.checkTime(now)
    if (now - this.#appendedAt >= TRIM_MS) {
      this.log.trim()
      // Who was blocked has caught up or left since the last pass: one more releases what it held.
      if (this.log.heldBytes > 0 && this.#laggards.size === 0) this.#context.dirty(this)
    }
    // A heartbeat is a frame like any other, so cursors, back-pressure and slices serve it too;
    // every stream of a feed has been idle for as long as the feed.
    if (now - this.#appendedAt < this.#context.heartbeatMs) return
    this.#context.meter.heartbeats += this.seats.length
    this.append(COMMENT, 0)
  }

  /** Keeps uWS from closing full sockets by its own 10 s rule; due every few seconds. */
  keepBlocked(): void {
    this.#laggards.keep()
  }
}
