// When a figure has changed, and when it is only noise.
//
// The sample is the rounds. Times and rates are multiplied by what moves them, so everything is done
// with logarithms: a change is a ratio, and so is its noise.
// - A figure has changed when its means differ by more than t × their standard error (Student's test
//   with pooled variance), t for one false alarm in 1,000 figures: a comparison has dozens, and may
//   cry wolf in one of twenty. A wild round makes the error large and the rule blind to small
//   changes, never the other way round.
// - And by more than a margin: between two runs a machine changes too (its neighbours, its clock
//   speed), and no spread within a run shows that.
// - Fewer than three rounds on a side have no spread to speak of: only a change beyond a wider, fixed
//   margin counts.
import type { Figure } from './figure.ts'

/** Logarithms of a figure in its rounds. */
export type Sample = readonly number[]

/** Smaller changes are not named, however sure: by what the figure is of. */
const MARGINS: Readonly<Record<Figure['kind'], number>> = {
  speed: 0.05,
  latency: 0.1,
  memory: 0.05,
}
/** In their place where a side has fewer rounds than ROUNDS_MIN, whose spread says nothing. */
const FEW_ROUNDS_MARGINS: typeof MARGINS = { speed: 0.2, latency: 0.5, memory: 0.2 }
const ROUNDS_MIN = 3

/** Student's t, two-sided, for 1 in 1,000; by degrees of freedom, each good up to the next. */
const QUANTILES: readonly (readonly [freedom: number, t: number])[] = [
  [4, 8.61],
  [5, 6.869],
  [6, 5.959],
  [7, 5.408],
  [8, 5.041],
  [9, 4.781],
  [10, 4.587],
  [12, 4.318],
  [15, 4.073],
  [20, 3.85],
  [30, 3.646],
]

/** Below this a clock shows 0, which has no logarithm. */
const LEAST = 0.001

export function logarithms(values: Iterable<number>): Sample {
  return [...values].map((value) => Math.log(Math.max(value, LEAST)))
}

export function mean(values: Sample): number {
  return values.reduce((total, value) => total + value, 0) / values.length
}

function squares(values: Sample): number {
  const middle = mean(values)
  return values.reduce((total, value) => total + (value - middle) ** 2, 0)
}

/** How far apart the means of two samples may be by chance. */
function noiseOf(base: Sample, fresh: Sample): number {
  const freedom = base.length + fresh.length - 2
  const t = QUANTILES.findLast(([least]) => least <= freedom)?.[1] ?? Number.POSITIVE_INFINITY
  const variance = (squares(base) + squares(fresh)) / freedom
  return t * Math.sqrt(variance * (1 / base.length + 1 / fresh.length))
}

/** How far apart the means must be to count, and by which part of the rule. */
export function thresholdOf(
  base: Sample,
  fresh: Sample,
  kind: Figure['kind'],
): readonly [threshold: number, rule: string] {
  if (Math.min(base.length, fresh.length) < ROUNDS_MIN) {
    return [Math.log(1 + FEW_ROUNDS_MARGINS[kind]), 'fixed margin, too few rounds']
  }
  const margin = Math.log(1 + MARGINS[kind])
  const noise = noiseOf(base, fresh)
  return noise > margin ? [noise, 'spread of the rounds'] : [margin, 'least margin']
}
