// The metrics of sources, rollups, shards and the process. Those of the process are of now; pure else.
import { type Metric, perSource } from './metric.ts'
import { version } from './version.ts'

export const sources: readonly Metric[] = [
  {
    name: 'carillon_source_up',
    type: 'gauge',
    help: '1 while the source is connected.',
    labels: ['source'],
    read: perSource(({ isUp }) => Number(isUp)),
  },
  {
    name: 'carillon_source_connects_total',
    type: 'counter',
    help: 'How often the source was connected.',
    labels: ['source'],
    read: perSource(({ connects }) => connects),
  },
  {
    name: 'carillon_source_messages_refused_total',
    type: 'counter',
    help: 'Messages of the source that make no event.',
    labels: ['source'],
    read: perSource(({ refused }) => refused),
  },
  {
    name: 'carillon_source_messages_dropped_total',
    type: 'counter',
    help: 'Messages of the source that came while subscribers waited for the server.',
    labels: ['source'],
    read: perSource(({ dropped }) => dropped),
  },
  {
    name: 'carillon_rollup_events_counted_total',
    type: 'counter',
    help: 'Events that a rollup has counted, by the topic that it publishes on.',
    labels: ['to'],
    read: ({ rollups }) => rollups.map(({ to, counted: value }) => ({ labels: { to }, value })),
  },
  {
    name: 'carillon_rollup_events_published_total',
    type: 'counter',
    help: 'Events that a rollup has published.',
    labels: ['to'],
    read: ({ rollups }) => rollups.map(({ to, published: value }) => ({ labels: { to }, value })),
  },
]

export const threads: readonly Metric[] = [
  {
    name: 'carillon_ready',
    type: 'gauge',
    help: '1 while GET /ready answers 200.',
    read: ({ ready }) => Number(ready),
  },
  {
    name: 'carillon_shards',
    type: 'gauge',
    help: 'Shards that serve.',
    read: ({ threads: count }) => count,
  },
  {
    name: 'carillon_event_loop_utilization_ratio',
    type: 'gauge',
    help: 'Share of the last second in which the event loop of a shard was busy: 1 is its whole core.',
    labels: ['shard'],
    read: ({ totals }) =>
      totals.shards.map(({ shard, utilization: value }) => ({ labels: { shard }, value })),
  },
  {
    name: 'carillon_shard_cpu_seconds_total',
    type: 'counter',
    help: 'CPU time of the thread of a shard; on Linux only.',
    labels: ['shard'],
    read: ({ totals }) =>
      totals.shards.flatMap(({ shard, cpuSeconds: value }) =>
        value === undefined ? [] : [{ labels: { shard }, value }],
      ),
  },
  {
    name: 'carillon_shard_memory_bytes',
    type: 'gauge',
    help: 'JavaScript heap in use of a shard, and the buffers beside it.',
    labels: ['shard'],
    read: ({ totals }) =>
      totals.shards.map(({ shard, memoryBytes: value }) => ({ labels: { shard }, value })),
  },
  {
    name: 'carillon_event_loop_delay_seconds',
    type: 'histogram',
    help: 'How late timers of shards are, four samples a second in each.',
    read: ({ totals }) => totals.distributions.lateness,
  },
  {
    name: 'carillon_heap_used_bytes',
    type: 'gauge',
    help: 'JavaScript heap in use, of all threads.',
    read: ({ totals }) => totals.levels.heapUsedBytes,
  },
  {
    name: 'carillon_gc_total',
    type: 'counter',
    help: 'Garbage collections of all threads.',
    read: ({ totals }) => totals.counts.gcCount,
  },
  {
    name: 'carillon_gc_pause_seconds_total',
    type: 'counter',
    help: 'Time that they took.',
    read: ({ totals }) => totals.counts.gcPauseNs / 1e9,
  },
  {
    name: 'process_cpu_seconds_total',
    type: 'counter',
    help: 'CPU time of the process, user and system.',
    read: () => {
      const { user, system } = process.cpuUsage()
      return (user + system) / 1e6
    },
  },
  {
    name: 'process_resident_memory_bytes',
    type: 'gauge',
    help: 'Resident memory of the process.',
    read: () => process.memoryUsage.rss(),
  },
  {
    name: 'process_start_time_seconds',
    type: 'gauge',
    help: 'When the process was started, Unix time.',
    read: () => Math.round(Date.now() / 1000 - process.uptime()),
  },
  {
    name: 'carillon_build_info',
    type: 'gauge',
    help: 'Always 1.',
    labels: ['version'],
    read: () => [{ labels: { version }, value: 1 }],
  },
]
