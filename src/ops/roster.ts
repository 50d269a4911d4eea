// The connections of a shard as rows of the status document, sent in pages. Shard thread; and how the
// rows of all shards become one list.
import type { StatusPart } from '../hub/inquiry.ts'
import type { SlowJournal } from '../shard/slow-journal.ts'
import type { Subscriber } from '../shard/subscriber.ts'
import { connectionFields, connectionRow } from './connection-row.ts'
import { sendInPages } from './paging.ts'

/** Sends this shard's rows, oldest first. The roster may change meanwhile: a row is as of its turn. */
export function sendRows(
  shard: number,
  roster: ReadonlySet<Subscriber>,
  journal: SlowJournal,
  send: (part: StatusPart) => void,
): void {
  const rowOf = (subscriber: Subscriber) => {
    return { createdAt: subscriber.createdAt, text: textOf(subscriber, shard) }
  }
  sendInPages(roster, rowOf, (page, last) => {
    const createdAt = page.map((row) => row.createdAt)
    const rows = page.map((row) => row.text)
    const slow = last && { slow: journal.page(roster) }
    send({ kind: 'status', shard, createdAt, rows, last, ...slow })
  })
}

function textOf(subscriber: Subscriber, shard: number): string {
  const row = connectionFields(connectionRow(subscriber, shard))
  return JSON.stringify(row, null, 2).replaceAll('\n', '\n    ')
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
