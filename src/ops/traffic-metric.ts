// The metrics of what comes in and goes out. Pure.
import type { SlowRow } from '../hub/inquiry.ts'
import type { DispatcherState } from '../hub/message.ts'
import { type Metric, perSource, type Sample } from './metric.ts'

function perLaggard(read: (row: SlowRow) => number): (state: DispatcherState) => readonly Sample[] {
  return ({ totals }) =>
    totals.slowest.map((row, index) => ({
      labels: {
        rank: index + 1,
        shard: row.shard,
        client_ip: row.clientIp,
        user_agent: row.userAgent,
        topic: row.topic,
      },
      value: read(row),
    }))
}

const LAGGARD_LABELS = ['rank', 'shard', 'client_ip', 'user_agent', 'topic'] as const

export const events: readonly Metric[] = [
  {
    name: 'carillon_events_accepted_total',
    type: 'counter',
    help: 'Events taken in: over HTTP (source http), or from a source.',
    labels: ['source'],
    read: ({ totals, sources }) => [
      { labels: { source: 'http' }, value: totals.counts.accepted },
      ...perSource(({ received }) => received)({ sources } as DispatcherState),
    ],
  },
  {
    name: 'carillon_events_ordered_total',
    type: 'counter',
    help: 'Events put into the order of all: those taken in, and those that rollups publish.',
    read: ({ events }) => events,
  },
  {
    name: 'carillon_requests_refused_total',
    type: 'counter',
    help: 'Error answers, by the code of the problem (docs/protocol.md).',
    labels: ['code'],
    read: ({ totals }) =>
      Object.entries(totals.problems).map(([code, value]) => ({ labels: { code }, value })),
  },
  {
    name: 'carillon_backlog_bytes',
    type: 'gauge',
    help: 'Bytes of events that the slowest shard has still to write; past backlogBytesMax publishers get 503.',
    read: ({ backlogBytes }) => backlogBytes,
  },
  {
    name: 'carillon_backlog_max_bytes',
    type: 'gauge',
    help: 'The option backlogBytesMax.',
    read: ({ backlogBytesMax }) => backlogBytesMax,
  },
  {
    name: 'carillon_overloaded',
    type: 'gauge',
    help: '1 while publishers get 503 because of the backlog.',
    read: ({ overloaded }) => Number(overloaded),
  },
]

export const deliveries: readonly Metric[] = [
  {
    name: 'carillon_deliveries_total',
    type: 'counter',
    help: 'Events written to subscribers: one for each event and subscriber.',
    read: ({ totals }) => totals.counts.deliveries,
  },
  {
    name: 'carillon_delivered_bytes_total',
    type: 'counter',
    help: 'Bytes of streams written to subscribers, heartbeats among them.',
    read: ({ totals }) => totals.counts.deliveredBytes,
  },
  {
    name: 'carillon_writes_total',
    type: 'counter',
    help: 'Writes to subscribers; under load, one has many events.',
    read: ({ totals }) => totals.counts.writes,
  },
  {
    name: 'carillon_heartbeats_total',
    type: 'counter',
    help: 'Comments to idle streams, one for each stream.',
    read: ({ totals }) => totals.counts.heartbeats,
  },
  {
    name: 'carillon_delivery_delay_seconds',
    type: 'histogram',
    help: 'From the acceptance of the oldest event that a write has, or could have, to the write.',
    read: ({ totals }) => totals.distributions.delay,
  },
  {
    name: 'carillon_round_seconds',
    type: 'histogram',
    help: 'A round: one pass over all subscribers of every feed of a shard that had something.',
    read: ({ totals }) => totals.distributions.round,
  },
]

export const subscribers: readonly Metric[] = [
  {
    name: 'carillon_subscribers',
    type: 'gauge',
    help: 'Open streams, by shard.',
    labels: ['shard'],
    read: ({ totals }) =>
      totals.shards.map(({ shard, subscribers: value }) => ({ labels: { shard }, value })),
  },
  {
    name: 'carillon_feeds',
    type: 'gauge',
    help: 'Selections of topics that somebody is subscribed to, each counted in every shard that has it.',
    read: ({ totals }) => totals.levels.feeds,
  },
  {
    name: 'carillon_connections',
    type: 'gauge',
    help: 'Open connections: streams, publishers, and all others.',
    read: ({ totals }) => totals.levels.connections,
  },
  {
    name: 'carillon_connections_max',
    type: 'gauge',
    help: 'The option connectionsMax.',
    read: ({ connectionsMax }) => connectionsMax,
  },
  {
    name: 'carillon_connections_closed_unanswered_total',
    type: 'counter',
    help: 'Connections closed because there were far more than connectionsMax.',
    read: ({ totals }) => totals.counts.connectionsClosed,
  },
  {
    name: 'carillon_streams_opened_total',
    type: 'counter',
    help: 'Streams that were opened.',
    read: ({ totals }) => totals.counts.streamsOpened,
  },
  {
    name: 'carillon_streams_closed_total',
    type: 'counter',
    help: 'Streams that ended: past lagBytesMax or lagSecondsMax, or gone (by the client, or a stop).',
    labels: ['reason'],
    read: ({ totals: { counts } }) => {
      const { closedLagBytes, closedLagSeconds, streamsClosed } = counts
      const gone = Math.max(0, streamsClosed - closedLagBytes - closedLagSeconds)
      return [
        { labels: { reason: 'gone' }, value: gone },
        { labels: { reason: 'lag_bytes' }, value: closedLagBytes },
        { labels: { reason: 'lag_seconds' }, value: closedLagSeconds },
      ]
    },
  },
  {
    name: 'carillon_skips_total',
    type: 'counter',
    help: 'How often slow subscribers were skipped (lagPolicy skip).',
    read: ({ totals }) => totals.counts.skips,
  },
  {
    name: 'carillon_skipped_events_total',
    type: 'counter',
    help: 'Events that skipped subscribers miss.',
    read: ({ totals }) => totals.counts.skippedEvents,
  },
  {
    name: 'carillon_slow_subscriber_lag_bytes',
    type: 'gauge',
    help: 'How far behind the slowest subscribers are; at most 20, the worst has rank 1.',
    labels: LAGGARD_LABELS,
    read: perLaggard(({ lagBytes }) => lagBytes),
  },
  {
    name: 'carillon_slow_subscriber_lag_seconds',
    type: 'gauge',
    help: 'For how long these have been behind.',
    labels: LAGGARD_LABELS,
    read: perLaggard(({ lagSeconds }) => lagSeconds),
  },
]
