// The connections of a shard as rows of the status document, sent in pages, a page a turn: 20,000
// of them disturb no flush. Shard thread; and how the rows of all shards become one list.
import type { SlowRecord, SlowRow, StatusPart } from '../hub/message.ts'
import type { SlowJournal } from '../shard/slow-journal.ts'
import type { Subscriber } from '../shard/subscriber.ts'
import { unixSeconds } from './time.ts'

/** Rows made, sent or written in one turn: about a millisecond. */
export const PAGE_ROWS = 250

/** Sends this shard's rows, oldest first. The roster may change meanwhile: a row is as of its turn. */
export function sendRows(
  shard: number,
  roster: ReadonlySet<Subscriber>,
  journal: SlowJournal,
  send: (part: StatusPart) => void,
): void {
  const subscribers = roster.values()
  const page = (): void => {
    const createdAt: number[] = []
    const rows: string[] = []
    let last = true
    for (const subscriber of subscribers) {
      createdAt.push(subscriber.createdAt)
      rows.push(rowOf(subscriber, shard))
      if (rows.length < PAGE_ROWS) continue
      last = false
      break
    }
    send({ shard, createdAt, rows, last, ...(last && { slow: journal.page(roster) }) })
    if (!last) setImmediate(page)
  }
  page()
}

function rowOf(subscriber: Subscriber, shard: number): string {
  const { identity, feed } = subscriber
  const row = {
    request_path: identity.requestPath,
    namespace: feed.topic,
    created_at: unixSeconds(subscriber.createdAt),
    client_ip: identity.clientIp,
    user_agent: identity.userAgent,
    msgs_sent: subscriber.sent,
    lag_bytes: subscriber.lagBytes,
    msgs_skipped: subscriber.skippedEvents,
    shard,
  }
  return JSON.stringify(row, null, 2).replaceAll('\n', '\n    ')
}

/** A laggard as the document has it. */
export function slowRow(row: SlowRow): object {
  return {
    client_ip: row.clientIp,
    user_agent: row.userAgent,
    namespace: row.topic,
    lag_bytes: row.lagBytes,
    lag_seconds: row.lagSeconds,
    skips: row.skips,
    msgs_skipped: row.skippedEvents,
    shard: row.shard,
  }
}

/** One that was closed or skipped. */
export function slowRecord(record: SlowRecord): object {
  const { at, action, reason } = record
  return { at: unixSeconds(at), action, reason, ...slowRow(record) }
}

/** Rows of all shards by time. Each shard's pages are in order already. */
export function* mergeByTime(shards: readonly (readonly StatusPart[])[]): Generator<string> {
  const queues = shards.map((parts) => ({
    createdAt: parts.flatMap((part) => part.createdAt),
    rows: parts.flatMap((part) => part.rows),
    at: 0,
  }))
  for (;;) {
    let oldest: (typeof queues)[number] | undefined
    for (const queue of queues) {
      if (queue.at === queue.rows.length) continue
      const isOlder =
        oldest === undefined ||
        (queue.createdAt[queue.at] as number) < (oldest.createdAt[oldest.at] as number)
      if (isOlder) oldest = queue
    }
    if (oldest === undefined) return
    yield oldest.rows[oldest.at++] as string
  }
}
