// The figures of a measurement: what each is called, which way is better, what moves it. One table
// for the report, the plots and the comparison.
import type { Latency, Measurement } from './result.ts'

export interface Figure {
  /** With its unit, as in the report's table. */
  readonly title: string
  readonly better: 'lower' | 'higher'
  /** What else than our code moves it: the machine's speed, its queues, or nothing. */
  readonly kind: 'speed' | 'latency' | 'memory'
  readonly read: (measurement: Measurement) => number | undefined
  /** Of one value among thousands, whose chance nothing bounds: shown, but never judged. */
  readonly isExtreme?: true
}

function latency(title: string, key: keyof Latency): Figure {
  return { title, better: 'lower', kind: 'latency', read: ({ latency }) => latency?.[key] }
}

export const P50 = latency('latency p50, ms', 'p50Ms')
export const P99 = latency('latency p99, ms', 'p99Ms')
export const DELIVERIES: Figure = {
  title: 'deliveries/s',
  better: 'higher',
  kind: 'speed',
  read: (measurement) => measurement.deliveriesPerSecond,
}

/** In the order of the report's rows. */
export const figures: readonly Figure[] = [
  {
    title: 'published/s',
    better: 'higher',
    kind: 'speed',
    read: (measurement) => measurement.publishedPerSecond,
  },
  DELIVERIES,
  {
    title: 'MB/s',
    better: 'higher',
    kind: 'speed',
    read: (measurement) => measurement.megabytesPerSecond,
  },
  P50,
  latency('latency p97.5, ms', 'p97_5Ms'),
  P99,
  latency('latency p99.9, ms', 'p99_9Ms'),
  { ...latency('latency max, ms', 'maxMs'), isExtreme: true },
  {
    title: 'server CPU per delivery, µs',
    better: 'lower',
    kind: 'speed',
    read: (measurement) => measurement.serverCpuUsPerDelivery,
  },
  {
    title: 'server CPU per request, µs',
    better: 'lower',
    kind: 'speed',
    read: (measurement) => measurement.serverCpuUsPerRequest,
  },
  {
    title: 'until the last has its first byte, ms',
    better: 'lower',
    kind: 'latency',
    read: (measurement) => measurement.untilLastMs,
  },
  {
    title: 'resident memory, MiB',
    better: 'lower',
    kind: 'memory',
    read: (measurement) => measurement.residentMebibytes,
  },
  {
    title: 'memory per subscriber, KiB',
    better: 'lower',
    kind: 'memory',
    read: (measurement) => measurement.kibibytesPerSubscriber,
  },
]

/** Counts that must be 0. */
export interface Fault {
  readonly title: string
  readonly read: (measurement: Measurement) => number | undefined
}

export const LOST = 'lost'

export const faults: readonly Fault[] = [
  { title: LOST, read: (measurement) => measurement.lost },
  { title: 'order errors', read: (measurement) => measurement.orderErrors },
  { title: 'errors', read: (measurement) => measurement.errors },
  { title: 'unanswered', read: (measurement) => measurement.unanswered },
  { title: 'subscribers closed', read: (measurement) => measurement.closed },
]

/** Deliveries that were still on their way; their latency is not in the figures. */
export function isBehind({ behind = 0 }: Measurement): boolean {
  return behind > 0
}

/** What the reader may judge the rest by: what the processes used, what was still on its way. */
export const loads: readonly Fault[] = [
  { title: 'server CPU, cores', read: (measurement) => measurement.serverCpu },
  { title: 'load client CPU, cores', read: (measurement) => measurement.loadCpu },
  { title: 'other CPU, cores', read: (measurement) => measurement.otherCpu },
  {
    title: 'behind when given up',
    // In rounds that were drained it is nothing.
    read: ({ behind, lost }) => behind ?? (lost === undefined ? undefined : 0),
  },
  { title: 'publisher late p99, ms', read: (measurement) => measurement.publisherLateP99Ms },
]
