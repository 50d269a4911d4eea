// GET /metrics: the table of metrics in the text that Prometheus reads, by prom-client. Any thread: it
// shows the state that the hub tells everybody, and asks no other thread.
import { AggregatorRegistry, Registry } from 'prom-client'
import { BUCKETS_SECONDS, type Distribution } from '../hub/histogram.ts'
import type { DispatcherState } from '../hub/message.ts'
import type { Metric } from './metric.ts'
import { sources, threads } from './process-metric.ts'
import { deliveries, events, subscribers } from './traffic-metric.ts'

/** By what they are about, in the order of docs/metrics.md. */
export const metrics: Readonly<Record<string, readonly Metric[]>> = {
  Events: events,
  Deliveries: deliveries,
  Subscribers: subscribers,
  'Sources and rollups': sources,
  'Shards and the process': threads,
}

const all = Object.values(metrics).flat()

const FORMATS = {
  prometheus: Registry.PROMETHEUS_CONTENT_TYPE,
  openMetrics: Registry.OPENMETRICS_CONTENT_TYPE,
} as const

export interface Exposition {
  readonly contentType: string
  readonly text: Promise<string>
}

/**
 * What has been counted is not counted by prom-client, but by the shards; so it comes as the values
 * of another process would, which prom-client merges and writes.
 * @param accept the request's header of that name
 */
export function expose(state: DispatcherState, accept: string): Exposition {
  const isOpenMetrics = accept.includes('application/openmetrics-text')
  const contentType = isOpenMetrics ? FORMATS.openMetrics : FORMATS.prometheus
  const values = all.map((metric) => ({
    // There, prom-client adds the counter's ending itself (OpenMetrics 1.0, 5.1).
    name: isOpenMetrics ? metric.name.replace(/_total$/, '') : metric.name,
    help: metric.help,
    type: metric.type,
    aggregator: 'sum',
    values: valuesOf(metric, state),
  }))
  const registry = AggregatorRegistry.aggregate([values])
  registry.setContentType(contentType as typeof FORMATS.prometheus)
  return { contentType, text: registry.metrics() }
}

interface Value {
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
  readonly metricName?: string
}

function valuesOf(metric: Metric, state: DispatcherState): readonly Value[] {
  if (metric.type === 'histogram') return bucketsOf(metric.name, metric.read(state))
  const read = metric.read(state)
  return typeof read === 'number' ? [{ labels: {}, value: read }] : read
}

/** Each bucket has what the smaller ones have, too. */
function bucketsOf(name: string, { counts, sum }: Distribution): readonly Value[] {
  let count = 0
  const values: Value[] = counts.map((inBucket, bucket) => {
    count += inBucket
    const le = BUCKETS_SECONDS[bucket] ?? '+Inf'
    return { labels: { le }, value: count, metricName: `${name}_bucket` }
  })
  values.push({ labels: {}, value: sum, metricName: `${name}_sum` })
  values.push({ labels: {}, value: count, metricName: `${name}_count` })
  return values
}

/** The whole of docs/metrics.md. */
export function metricsPage(): string {
  const parts = Object.entries(metrics).flatMap(([about, list]) => [
    `## ${about}`,
    '',
    '| name | type | labels | meaning |',
    '| --- | --- | --- | --- |',
    ...list.map((metric) => {
      const labels = metric.type === 'histogram' ? [] : (metric.labels ?? [])
      const shown = labels.map((label) => `\`${label}\``).join(', ')
      return `| \`${metric.name}\` | ${metric.type} | ${shown} | ${metric.help} |`
    }),
    '',
  ])
  return [
    '# Metrics',
    '',
    'Made from the tables in `src/ops/` by `npm run docs`; do not edit.',
    '',
    '`GET /metrics` has them in the text format of Prometheus or, for who accepts it, of OpenMetrics. Who',
    'may read it is said for `/admin` in [operations.md](operations.md#who-may-do-what); Prometheus sends a token',
    'with `authorization: { credentials_file: … }`. All shards are summed, also those that died; the figures are up',
    'to two seconds old.',
    '',
    ...parts,
  ].join('\n')
}
