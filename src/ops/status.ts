// The status document: who is connected, oldest first, and how sources and rollups stand. Asked for
// in a shard (GET /admin/status.json) or in the main thread (its report). Pure.
import type { StatusPart } from '../hub/inquiry.ts'
import type { SourceState, Totals } from '../hub/message.ts'
import type { RollupFigures } from '../rollup/rollup.ts'
import type { Gathered } from './desk.ts'
import { PAGE_ROWS } from './paging.ts'
import { mergeByTime } from './roster.ts'
import { slowFields } from './slow-list.ts'
import { unixSeconds } from './time.ts'

/** The document's text in pieces, to be written a turn each; the last one is the return value. */
export type StatusPages = Iterator<string, string>

/** @param startedAt start of the dispatcher, Unix ms */
export function* statusPages(
  node: string,
  startedAt: number,
  { state, missing, parts }: Gathered<StatusPart>,
): Generator<string, string> {
  const slow = [...parts.values()].flat().flatMap((part) => part.slow ?? [])
  const head = {
    node,
    status: 'OK',
    reported_at: unixSeconds(Date.now()),
    startup_time: unixSeconds(startedAt),
    msgs_broadcast: state?.events ?? 0,
    threads: state?.threads ?? 0,
    ...connectionCounts(state?.totals),
    ...slowCounts(state?.totals),
    shards_missing: missing,
    sources: (state?.sources ?? []).map(sourceFields),
    rollups: (state?.rollups ?? []).map(rollupFields),
    ...slowFields(slow),
  }
  let text = `${JSON.stringify(head, null, 2).slice(0, -2)},\n  "connections": [`
  let rows = 0
  for (const row of mergeByTime([...parts.values()])) {
    if (rows > 0 && rows % PAGE_ROWS === 0) {
      yield text
      text = ''
    }
    text += `${rows === 0 ? '' : ','}\n    ${row}`
    rows++
  }
  return `${text}${rows === 0 ? '' : '\n  '}]\n}\n`
}

function connectionCounts(totals: Totals | undefined): object {
  const { streamsRefused = 0, connectionsClosed = 0 } = totals?.counts ?? {}
  const { addressStreamsRefused = 0, addressPublishesRefused = 0 } = totals?.counts ?? {}
  return {
    connections_open: totals?.levels.connections ?? 0,
    streams_refused: streamsRefused,
    connections_closed_unanswered: connectionsClosed,
    streams_refused_by_address: addressStreamsRefused,
    publishes_refused_by_address: addressPublishesRefused,
  }
}

function slowCounts(totals: Totals | undefined): object {
  const { closedLagBytes = 0, closedLagSeconds = 0 } = totals?.counts ?? {}
  const { skips = 0, skippedEvents = 0 } = totals?.counts ?? {}
  return {
    subscribers_closed_slow: closedLagBytes + closedLagSeconds,
    subscribers_closed_lag_bytes: closedLagBytes,
    subscribers_closed_lag_seconds: closedLagSeconds,
    subscribers_skipped: skips,
    msgs_skipped: skippedEvents,
  }
}

/** A source as the documents have it. */
export function sourceFields(source: SourceState): object {
  const { name, address, isUp, since, error, connects } = source
  return {
    name,
    address,
    state: isUp ? 'up' : 'down',
    since: unixSeconds(since),
    error: error ?? null,
    connects,
    msgs_received: source.received,
    msgs_refused: source.refused,
    msgs_replaced: source.replaced,
    msgs_dropped: source.dropped,
  }
}

function rollupFields(rollup: RollupFigures): object {
  return {
    from: rollup.from,
    to: rollup.to,
    every_ms: rollup.everyMs,
    msgs_counted: rollup.counted,
    msgs_skipped: rollup.skipped,
    msgs_published: rollup.published,
    flushed_early: rollup.flushedEarly,
  }
}
