// What changed between two results, beyond noise: each figure of ours, judged by the rule of noise.ts.
// Where both results have the floor in the same rounds, ours is first divided by it, round by round:
// a machine that was slower in one run slows both, and falls out.
import { type Figure, faults, figures, isBehind, LOST } from './figure.ts'
import { logarithms, mean, type Sample, thresholdOf } from './noise.ts'
import type { Measurement, Results } from './result.ts'
import {
  describeLoad,
  FLOOR,
  isClientLimited,
  keyOf,
  OURS,
  type Trial,
  trialsOf,
  valuesOf,
} from './trial.ts'

export interface Verdict {
  readonly case: string
  readonly load: string
  readonly figure: string
  readonly outcome: 'worse' | 'improved' | 'unchanged' | 'not judged'
  /** Geometric means of the figure itself. */
  readonly base: number
  readonly fresh: number
  /** What was judged, as a ratio: 1.1 is a tenth more. */
  readonly change: number
  /** How far from 1 it had to be. */
  readonly threshold: number
  /** By what it was judged, or why it was not. */
  readonly reason: string
}

export interface Comparison {
  readonly verdicts: readonly Verdict[]
  /** Trials that only one of the results has. */
  readonly onlyBase: readonly string[]
  readonly onlyFresh: readonly string[]
  /** Differences of machine and system, in words. */
  readonly surroundings: readonly string[]
}

/** Can the floor's round stand for the machine? Not where its figure is another's. */
function isReference(measurement: Measurement, figure: Figure): boolean {
  if (figure.kind === 'memory' || measurement.limit === 'load client') return false
  // The latency of a server past its limit grows as long as the run lasts.
  return figure.kind !== 'latency' || measurement.limit === 'none'
}

/** Ours by the floor's, in each round; undefined where a round lacks the floor. */
function relative(trial: Trial, figure: Figure): number[] | undefined {
  const ours = valuesOf(trial.servers.get(OURS), figure.read)
  const usable = trial.servers.get(FLOOR)?.filter((one) => isReference(one, figure))
  const floor = valuesOf(usable, figure.read)
  const ratios = [...ours].map(([round, value]) => value / (floor.get(round) ?? 0))
  return ratios.every((ratio) => Number.isFinite(ratio) && ratio > 0) ? ratios : undefined
}

interface Samples {
  readonly base: Sample
  readonly fresh: Sample
  /** To the floor, or of the figure itself. */
  readonly isRelative: boolean
}

function samplesOf(base: Trial, fresh: Trial, figure: Figure): Samples {
  const [before, after] = [relative(base, figure), relative(fresh, figure)]
  if (before !== undefined && after !== undefined) {
    return { base: logarithms(before), fresh: logarithms(after), isRelative: true }
  }
  return {
    base: logarithms(valuesOf(base.servers.get(OURS), figure.read).values()),
    fresh: logarithms(valuesOf(fresh.servers.get(OURS), figure.read).values()),
    isRelative: false,
  }
}

/** Why a time or a rate says nothing about our code; undefined where it does. */
function hindranceOf(
  base: Trial,
  fresh: Trial,
  figure: Figure,
  { isRelative }: Samples,
  isSameMachine: boolean,
): string | undefined {
  if (figure.kind === 'memory') return undefined
  if (figure.kind === 'latency' && roundsBehind(base) + roundsBehind(fresh) > 0) {
    return 'it was behind: what came too late is not in it'
  }
  if ([base, fresh].some((trial) => isClientLimited(trial, OURS))) {
    return 'the load client was at its limit'
  }
  return isSameMachine || isRelative ? undefined : 'another machine, and no floor to go by'
}

/** Undefined where one of the results lacks the figure. */
function judgeFigure(
  base: Trial,
  fresh: Trial,
  figure: Figure,
  isSameMachine: boolean,
): Verdict | undefined {
  const before = logarithms(valuesOf(base.servers.get(OURS), figure.read).values())
  const after = logarithms(valuesOf(fresh.servers.get(OURS), figure.read).values())
  if (before.length === 0 || after.length === 0) return undefined
  const samples = samplesOf(base, fresh, figure)
  const change = mean(samples.fresh) - mean(samples.base)
  const [threshold, rule] = thresholdOf(samples.base, samples.fresh, figure.kind)
  const verdict = {
    case: base.case,
    load: describeLoad(base.load),
    figure: figure.title,
    base: Math.exp(mean(before)),
    fresh: Math.exp(mean(after)),
    change: Math.exp(change),
    threshold: Math.exp(threshold),
  }
  const hindrance = hindranceOf(base, fresh, figure, samples, isSameMachine)
  if (hindrance !== undefined) return { ...verdict, outcome: 'not judged', reason: hindrance }
  const reason = `${samples.isRelative ? 'ratio to the floor' : 'the figure itself'}; ${rule}`
  if (Math.abs(change) <= threshold) return { ...verdict, outcome: 'unchanged', reason }
  const isBetter = change > 0 === (figure.better === 'higher')
  return { ...verdict, outcome: isBetter ? 'improved' : 'worse', reason }
}

/** Of our rounds. */
function roundsBehind(trial: Trial): number {
  return trial.servers.get(OURS)?.filter(isBehind).length ?? 0
}

/** Faults have no noise: they must be 0, and any more of them is worse. */
function judgeFaults(base: Trial, fresh: Trial): Verdict[] {
  const counted = [
    ...faults,
    { title: 'rounds behind', read: (one: Measurement) => Number(isBehind(one)) },
  ]
  return counted.flatMap(({ title, read }) => {
    // What a server lost that is behind, nobody knows.
    if (title === LOST && roundsBehind(base) + roundsBehind(fresh) > 0) return []
    const [before, after] = [base, fresh].map((trial) => {
      const values = [...valuesOf(trial.servers.get(OURS), read).values()]
      return values.reduce((total, value) => total + value, 0)
    }) as [number, number]
    if (before === after) return []
    return {
      case: base.case,
      load: describeLoad(base.load),
      figure: title,
      outcome: after > before ? 'worse' : 'improved',
      base: before,
      fresh: after,
      change: before === 0 ? Number.POSITIVE_INFINITY : after / before,
      threshold: 1,
      reason: 'a count that must be 0',
    } as const
  })
}

function surroundingsOf(base: Results, fresh: Results): string[] {
  const describe = ({ machine }: Results): [string, string][] => [
    ['cpu', machine.cpu],
    ['cores', `${machine.cores}`],
    ['memory', `${machine.memoryGibibytes} GiB`],
    ['kernel', machine.kernel],
    ['node', machine.node],
  ]
  const after = new Map(describe(fresh))
  return describe(base)
    .filter(([name, value]) => after.get(name) !== value)
    .map(([name, value]) => `${name}: ${value} → ${after.get(name)}`)
}

/** Judges our server only: the others are there to compare with. */
export function compare(base: Results, fresh: Results): Comparison {
  const ours = (results: Results): Map<string, Trial> =>
    new Map(
      trialsOf(results.measurements)
        .filter((trial) => trial.servers.has(OURS))
        .map((trial) => [`${trial.case} ${keyOf(trial.load)}`, trial]),
    )
  const [before, after] = [ours(base), ours(fresh)]
  const isSameMachine =
    base.machine.cpu === fresh.machine.cpu && base.machine.cores === fresh.machine.cores
  const missing = (from: Map<string, Trial>, inside: Map<string, Trial>): string[] =>
    [...from]
      .filter(([key]) => !inside.has(key))
      .map(([, trial]) => `${trial.case}: ${describeLoad(trial.load)}`)
  const verdicts = [...before].flatMap(([key, trial]) => {
    const other = after.get(key)
    if (other === undefined) return []
    const judged = figures
      .filter(({ isExtreme }) => !isExtreme)
      .map((figure) => judgeFigure(trial, other, figure, isSameMachine))
    return [...judged.filter((one) => one !== undefined), ...judgeFaults(trial, other)]
  })
  return {
    verdicts,
    onlyBase: missing(before, after),
    onlyFresh: missing(after, before),
    surroundings: surroundingsOf(base, fresh),
  }
}
