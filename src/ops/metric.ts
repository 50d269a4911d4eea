// What a metric is: a name, what it means, and how it is read from the state that the hub tells all
// shards about once a second. The tables of them make GET /metrics and docs/metrics.md.
import type { Distribution } from '../hub/histogram.ts'
import type { DispatcherState, SourceState } from '../hub/message.ts'

export interface Sample {
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
}

interface Described {
  /** Ends in its unit, and a counter in _total (OpenMetrics 1.0, 5.3). */
  readonly name: string
  readonly help: string
}

/** One number, or one for each set of labels. */
interface NumberMetric extends Described {
  readonly type: 'counter' | 'gauge'
  readonly labels?: readonly string[]
  read(state: DispatcherState): number | readonly Sample[]
}

interface HistogramMetric extends Described {
  readonly type: 'histogram'
  read(state: DispatcherState): Distribution
}

export type Metric = NumberMetric | HistogramMetric

/** One number for each source. */
export function perSource(
  read: (source: SourceState) => number,
): (state: DispatcherState) => readonly Sample[] {
  return ({ sources }) =>
    sources.map((source) => ({ labels: { source: source.name }, value: read(source) }))
}
