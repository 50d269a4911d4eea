// How the dispatcher stands, in a few hundred bytes: what GET /admin/events sends each second. Pure,
// but for the memory and the age of the process.
import { quantileOf } from '../hub/histogram.ts'
import type { DispatcherState, ShardTotals } from '../hub/message.ts'
import { hundredths, tenths } from './rounding.ts'
import { sourceFields } from './status.ts'
import { version } from './version.ts'

/** @param node this server's name */
export function snapshotText(node: string, state: DispatcherState): string {
  const { totals } = state
  const { counts, levels, problems, recent } = totals
  return JSON.stringify({
    at: Date.now(),
    node,
    version,
    uptime_s: Math.floor(process.uptime()),
    state: state.reason,
    overloaded: state.overloaded,
    events_per_second: tenths(state.eventsPerSecond),
    deliveries_per_second: tenths(recent.deliveriesPerSecond),
    bytes_per_second: Math.round(recent.bytesPerSecond),
    events: state.events,
    deliveries: counts.deliveries,
    bytes: counts.deliveredBytes,
    subscribers: levels.subscribers,
    connections: levels.connections,
    connections_max: state.connectionsMax,
    feeds: levels.feeds,
    backlog_bytes: state.backlogBytes,
    backlog_bytes_max: state.backlogBytesMax,
    delay_p50_ms: milliseconds(quantileOf(recent.delay, 0.5)),
    delay_p99_ms: milliseconds(quantileOf(recent.delay, 0.99)),
    refused: problems,
    closed_slow: counts.closedLagBytes + counts.closedLagSeconds,
    skips: counts.skips,
    rss_bytes: process.memoryUsage.rss(),
    shards: totals.shards.map(shardFields),
    sources: state.sources.map(sourceFields),
  })
}

function shardFields({ shard, subscribers, cpu, ...thread }: ShardTotals): object {
  return {
    shard,
    subscribers,
    cpu: cpu === undefined ? null : hundredths(cpu),
    busy: hundredths(thread.utilization),
    memory_bytes: thread.memoryBytes,
    loop_delay_ms: hundredths(thread.lateMs),
  }
}

function milliseconds(seconds: number | undefined): number | null {
  return seconds === undefined ? null : hundredths(seconds * 1000)
}
