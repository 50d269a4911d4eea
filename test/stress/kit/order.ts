// The one order of events, as readers find it out, and where each reader stands in it. Pure; in
// the reader threads for their subscribers, in the main thread for the reader threads.
import { STAMP_DIGITS } from '../../../bench/load/stamp.ts'
import type { Report } from './violation.ts'

/** An event is one number, so that it fits the stamp: `count * AUTHORS_MAX + author`. */
export const AUTHORS_MAX = 256
export const COUNT_MAX = Math.floor(10 ** STAMP_DIGITS / AUTHORS_MAX) - 1

/** An event that is missing may still come, out of order, within so many further ones. */
const WINDOW = 64
/** Events of a reader that is ahead of all that have a place. */
const EARLY_MAX = 1_000_000
/** Ticks before a gap is a loss, and before two orders are different: a loss explains both. */
const LOST_TICKS = 3
const ODDS_TICKS = 10

const NO_EVENT = -1
const UNPLACED = -1

export function eventOf(author: number, count: number): number {
  return count * AUTHORS_MAX + author
}

function authorOf(event: number): number {
  return event % AUTHORS_MAX
}

function countOf(event: number): number {
  return Math.floor(event / AUTHORS_MAX)
}

export function nameOf(event: number): string {
  return event === NO_EVENT ? 'none' : `event ${countOf(event)} of publisher ${authorOf(event)}`
}

/** The reader that is furthest writes it; all others are held against it. */
export class Order {
  length = 0
  /** Of each author, the last event's count; -1 where there is none. */
  readonly last = new Int32Array(AUTHORS_MAX).fill(-1)
  #events = new Int32Array(4096)

  at(place: number): number {
    return this.#events[place] as number
  }

  append(event: number): void {
    if (this.length === this.#events.length) {
      const larger = new Int32Array(this.length * 2)
      larger.set(this.#events)
      this.#events = larger
    }
    this.#events[this.length++] = event
    this.last[authorOf(event)] = countOf(event)
  }

  has(event: number): boolean {
    return (this.last[authorOf(event)] as number) >= countOf(event)
  }

  /** The place of an event that it has. Newcomers are near the end. */
  placeOf(event: number): number {
    return this.#events.lastIndexOf(event, this.length - 1)
  }

  slice(from: number): Int32Array<ArrayBuffer> {
    return this.#events.slice(from, this.length)
  }
}

/** One reader of the order: takes its events one by one, and reports what should not be. */
export class Follower {
  readonly #order: Order
  readonly #name: string
  readonly #report: Report
  /**
   * Of each author the count that came last. Below zero while none has come: then `-1 - n`, where
   * the events from count n on were sent when this reader was there already.
   */
  readonly #last: Int32Array
  #place = UNPLACED
  /** Events before it had a place in the order. */
  #early: number[] = []
  /** The event that should have come, and what came since. */
  #missing = NO_EVENT
  #since = 0
  #came = NO_EVENT
  #ticks = 0
  /** The place at which this reader has another event than the order. */
  #odds = NO_EVENT
  got = 0
  /** It has told, and says nothing further. */
  isFaulty = false

  /** @param sent of each author, how many events it had sent when this reader opened */
  constructor(order: Order, name: string, sent: ArrayLike<number>, report: Report) {
    this.#order = order
    this.#name = name
    this.#report = report
    let isFirst = true
    this.#last = Int32Array.from(sent, (count) => {
      if (count > 0) isFirst = false
      return -1 - count
    })
    if (isFirst) this.#place = 0
  }

  take(event: number): void {
    if (this.isFaulty) return
    this.got++
    if (this.#missing !== NO_EVENT) {
      this.#awaitMissing(event)
      return
    }
    const author = authorOf(event)
    const count = countOf(event)
    const last = this.#last[author] as number
    const next = last < 0 ? -1 - last : last + 1
    // While none of an author has come, one from before this reader may.
    if (count > next) {
      this.#missing = eventOf(author, next)
      this.#came = event
      return
    }
    if (last >= 0 && count < next) {
      const due = nameOf(eventOf(author, next))
      this.#tell('doubled', `got ${nameOf(event)} again, where ${due} was next of that publisher`)
      return
    }
    this.#last[author] = count
    if (this.#odds === NO_EVENT) this.#follow(event)
  }

  /** Many times a second: what has been waited for does not come any more. */
  tick(): void {
    if (this.isFaulty) return
    if (this.#early.length > 0) this.#settleIn()
    if (this.#missing === NO_EVENT && this.#odds === NO_EVENT) return
    this.#ticks++
    if (this.#missing !== NO_EVENT && this.#ticks >= LOST_TICKS) this.#tellLost()
    else if (this.#odds !== NO_EVENT && this.#ticks >= ODDS_TICKS) this.#tellOdds()
  }

  /** The count that is next of an author: all before it have come, or were sent before this opened. */
  next(author: number): number {
    const last = this.#last[author] as number
    return last < 0 ? -1 - last : last + 1
  }

  /**
   * The first event that this reader still has to get, given how many of each author were accepted.
   * @returns undefined when it has them all
   */
  lacks(accepted: ArrayLike<number>): string | undefined {
    for (let author = 0; author < accepted.length; author++) {
      const next = this.next(author)
      if ((accepted[author] as number) > next) return nameOf(eventOf(author, next))
    }
    if (this.#missing !== NO_EVENT) return nameOf(this.#missing)
    if (this.#early.length > 0) return 'an event that somebody else has had too'
    return this.#odds === NO_EVENT ? undefined : `the order of all, from place ${this.#odds} on`
  }

  #awaitMissing(event: number): void {
    const missing = this.#missing
    if (event === missing) {
      const first = `${nameOf(this.#came)} before ${nameOf(missing)}`
      this.#tell('order', `got ${first}, which its publisher had sent first`)
    } else if (++this.#since >= WINDOW) this.#tellLost()
  }

  #follow(event: number): void {
    if (this.#place !== UNPLACED) {
      this.#hold(event)
      return
    }
    this.#early.push(event)
    this.#settleIn()
    if (this.#early.length > EARLY_MAX) this.#tell('order', 'nobody else has any of its events')
  }

  /** It has a place as soon as somebody who was there before has had its first event. */
  #settleIn(): void {
    const first = this.#early[0] as number
    if (!this.#order.has(first)) return
    this.#place = this.#order.placeOf(first)
    for (const early of this.#early) if (this.#odds === NO_EVENT) this.#hold(early)
    this.#early = []
  }

  #hold(event: number): void {
    const order = this.#order
    if (this.#place === order.length) order.append(event)
    else if (order.at(this.#place) !== event) {
      this.#odds = this.#place
      this.#came = event
      return
    }
    this.#place++
  }

  #tellLost(): void {
    const came = nameOf(this.#came)
    this.#tell('lost', `expected ${nameOf(this.#missing)}, got ${came} instead`)
  }

  #tellOdds(): void {
    const expected = nameOf(this.#order.at(this.#odds))
    const place = `at place ${this.#odds} of the order`
    this.#tell(
      'order',
      `expected ${expected} ${place}, as others had it, got ${nameOf(this.#came)}`,
    )
  }

  #tell(violation: 'lost' | 'doubled' | 'order', detail: string): void {
    this.isFaulty = true
    this.#report(violation, `${this.#name} ${detail}`)
  }
}
