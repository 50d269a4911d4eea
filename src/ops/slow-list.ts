// Laggards of all shards, as /admin/slow.json and the status document have them. Pure.
import type { SlowPage, SlowPart, SlowRecord, SlowRow } from '../hub/inquiry.ts'
import { SLOW_ROWS_MAX, worstFirst } from '../hub/ledger.ts'
import type { Gathered } from './desk.ts'
import { unixSeconds } from './time.ts'

/** The slowest now, and the last that were closed or skipped. */
export function slowFields(pages: readonly SlowPage[]): object {
  const slowest = worstFirst(pages.flatMap((page) => page.slowest))
  const recent = pages.flatMap((page) => page.recent).sort((one, other) => one.at - other.at)
  return {
    slowest: slowest.map(slowRow),
    slow_recently: recent.slice(-SLOW_ROWS_MAX).map(slowRecord),
  }
}

/** The document, of what all shards sent. */
export function slowList({ parts, missing }: Gathered<SlowPart>): string {
  const pages = [...parts.values()].flat().map(({ slow }) => slow)
  return JSON.stringify({ shards_missing: missing, ...slowFields(pages) })
}

function slowRow(row: SlowRow): object {
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

function slowRecord(record: SlowRecord): object {
  const { at, action, reason } = record
  return { at: unixSeconds(at), action, reason, ...slowRow(record) }
}
