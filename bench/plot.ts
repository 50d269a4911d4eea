// The plots of a result: latency against load, throughput against subscribers. What is plotted is
// found in the result: trials that differ in nothing but the one number of the axis.
import { draw, type Plot, type Point } from './chart.ts'
import { DELIVERIES, P50, P99 } from './figure.ts'
import type { Measurement, Results } from './result.ts'
import { number } from './table.ts'
import { keyOf, type Trial, trialsOf } from './trial.ts'

const LATENCY: Plot = {
  title: 'Latency against load',
  axis: 'eventsPerSecond',
  axisTitle: 'events per second',
  panels: [
    { figure: P50, title: 'p50, ms' },
    { figure: P99, title: 'p99, ms' },
  ],
  format: number,
}

const compact = new Intl.NumberFormat('en', { notation: 'compact' })

const THROUGHPUT: Plot = {
  title: 'Throughput against subscribers',
  axis: 'subscribers',
  axisTitle: 'subscribers',
  panels: [{ figure: DELIVERIES, title: 'deliveries per second' }],
  format: compact.format,
}

/**
 * The sweep along one axis of the load: trials that are alike in all else. Of several it is that
 * with the most points; undefined where no two differ in this alone.
 */
function sweepOf(trials: readonly Trial[], { axis, panels }: Plot): readonly Point[] | undefined {
  const hasFigure = (measurement: Measurement): boolean =>
    panels.some(({ figure }) => figure.read(measurement) !== undefined)
  const sweeps = new Map<string, Map<number, Trial>>()
  for (const trial of trials) {
    const at = trial.load[axis]
    if (typeof at !== 'number' || ![...trial.servers.values()].flat().some(hasFigure)) continue
    const key = keyOf(trial.load, axis)
    const sweep = sweeps.get(key) ?? new Map<number, Trial>()
    sweeps.set(key, sweep)
    // Two cases may have a load in common: the first is as good as the second.
    if (!sweep.has(at)) sweep.set(at, trial)
  }
  const [longest] = [...sweeps.values()].sort((a, b) => b.size - a.size)
  if (longest === undefined || longest.size < 2) return undefined
  return [...longest].map(([at, trial]) => ({ at, trial })).sort((a, b) => a.at - b.at)
}

function plotOf(results: Results, plot: Plot): string | undefined {
  const points = sweepOf(trialsOf(results.measurements), plot)
  return points && draw(plot, points)
}

/** Undefined where the result has no two trials that differ in nothing but events per second. */
export function latencyPlot(results: Results): string | undefined {
  return plotOf(results, LATENCY)
}

/** Undefined where the result has no two trials that differ in nothing but the subscribers. */
export function throughputPlot(results: Results): string | undefined {
  return plotOf(results, THROUGHPUT)
}
