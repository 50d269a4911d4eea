// What became of subscribers that lagged: counts, the last of them by name, and log lines.
// Shard thread.
import type { Logger } from 'pino'
import type { SlowPage, SlowReason, SlowRecord, SlowRow } from '../hub/inquiry.ts'
import { SLOW_ROWS_MAX, worstFirst } from '../hub/ledger.ts'
import type { Subscriber } from './subscriber.ts'

/** Skips of one client can be frequent: a line of them at most this often, in ms. */
const SKIP_LINE_PERIOD_MS = 1000

export class SlowJournal {
  closedLagBytes = 0
  closedLagSeconds = 0
  skips = 0
  skippedEvents = 0
  /** The last SLOW_ROWS_MAX, oldest first. */
  readonly #recent: SlowRecord[] = []
  readonly #log: Logger
  readonly #shard: number
  #skipLineAt = Number.NEGATIVE_INFINITY
  #skipsUntold = 0

  constructor(log: Logger, shard: number) {
    this.#log = log
    this.#shard = shard
  }

  closed(subscriber: Subscriber, reason: SlowReason): void {
    if (reason === 'lag_bytes') this.closedLagBytes++
    else this.closedLagSeconds++
    const row = this.#remember(subscriber, 'closed', reason, 0)
    const sent = subscriber.sent
    this.#log.warn({ ...lineOf(row), reason, sent }, 'slow subscriber closed')
  }

  skipped(subscriber: Subscriber, reason: SlowReason, events: number): void {
    this.skips++
    this.skippedEvents += events
    const row = this.#remember(subscriber, 'skipped', reason, events)
    const now = performance.now()
    if (now - this.#skipLineAt < SKIP_LINE_PERIOD_MS) {
      this.#skipsUntold++
      return
    }
    const others = this.#skipsUntold
    this.#skipLineAt = now
    this.#skipsUntold = 0
    this.#log.warn({ ...lineOf(row), reason, events, others }, 'slow subscriber skipped')
  }

  /** For the status: those that lag now, worst first, and the last that were closed or skipped. */
  page(roster: Iterable<Subscriber>): SlowPage {
    return { slowest: this.#slowest(roster), recent: this.#recent }
  }

  #slowest(roster: Iterable<Subscriber>): SlowRow[] {
    const rows: SlowRow[] = []
    for (const subscriber of roster) {
      if (subscriber.laggingSince > 0) rows.push(rowOf(subscriber, this.#shard))
    }
    return worstFirst(rows)
  }

  #remember(
    subscriber: Subscriber,
    action: SlowRecord['action'],
    reason: SlowReason,
    events: number,
  ): SlowRecord {
    const row = rowOf(subscriber, this.#shard)
    const { skips, skippedEvents } = row
    const record = {
      ...row,
      skips: action === 'skipped' ? skips + 1 : skips,
      skippedEvents: skippedEvents + events,
      at: Date.now(),
      action,
      reason,
    }
    this.#recent.push(record)
    if (this.#recent.length > SLOW_ROWS_MAX) this.#recent.shift()
    return record
  }
}

function rowOf(subscriber: Subscriber, shard: number): SlowRow {
  const { feed, identity, lagBytes, laggingSince, skips, skippedEvents } = subscriber
  return {
    shard,
    clientIp: identity.clientIp,
    userAgent: identity.userAgent,
    topic: feed.topic,
    lagBytes,
    lagSeconds: Math.round(performance.now() - laggingSince) / 1000,
    skips,
    skippedEvents,
  }
}

function lineOf({ topic, clientIp, userAgent, lagBytes, lagSeconds }: SlowRow): object {
  return { topic, address: clientIp, userAgent, lagBytes, lagSeconds }
}
