// A trial: one case at one load, with the measurements that each server got in the rounds.
import type { Measurement } from './result.ts'

/** The server that a result is about; all others are there to compare it with. */
export const OURS = 'carillon'
/** The reference; see bench/floor.c. */
export const FLOOR = 'floor'

export interface Trial {
  readonly case: string
  readonly load: Measurement['load']
  /** In the order of their first round. */
  readonly servers: ReadonlyMap<string, readonly Measurement[]>
}

/** `maxBacklog` → `max backlog`. */
function words(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}

const whole = new Intl.NumberFormat('en-GB')

/** `1 thread`, `50 events per second`, `pipelining 16`. */
function describePart(name: string, value: number | string): string {
  // Other names than plurals are no units.
  if (typeof value === 'string' || name.endsWith('ing')) return `${words(name)} ${value}`
  return `${whole.format(value)} ${value === 1 ? words(name).replace(/s$/, '') : words(name)}`
}

/** `1,000 subscribers, 50 events per second`. */
export function describeLoad(load: Measurement['load']): string {
  return Object.entries(load)
    .map(([name, value]) => describePart(name, value))
    .join(', ')
}

/** The same for equal loads, in whichever order their parts are written. */
export function keyOf(load: Measurement['load'], without?: string): string {
  const entries = Object.entries(load).filter(([name]) => name !== without)
  return JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** In the order of their first measurement. */
export function trialsOf(measurements: readonly Measurement[]): Trial[] {
  const trials = new Map<string, Trial & { servers: Map<string, Measurement[]> }>()
  for (const measurement of measurements) {
    const { case: name, load, server } = measurement
    const key = `${name} ${keyOf(load)}`
    const trial = trials.get(key) ?? { case: name, load, servers: new Map() }
    trials.set(key, trial)
    trial.servers.set(server, [...(trial.servers.get(server) ?? []), measurement])
  }
  return [...trials.values()]
}

/** Ours first, then the floor, then the peers in the order in which they were measured. */
export function inOrder(names: Iterable<string>): string[] {
  const rank = (name: string): number => [OURS, FLOOR].indexOf(name) >>> 0
  return [...names].sort((a, b) => rank(a) - rank(b))
}

/** Its figures are then those of the load client. */
export function isClientLimited(trial: Trial, server: string): boolean {
  return trial.servers.get(server)?.some(({ limit }) => limit === 'load client') ?? false
}

/** A figure in each round that has it. */
export function valuesOf(
  rounds: readonly Measurement[] | undefined,
  read: (measurement: Measurement) => number | undefined,
): Map<number, number> {
  const values = new Map<number, number>()
  for (const measurement of rounds ?? []) {
    const value = read(measurement)
    if (value !== undefined) values.set(measurement.round, value)
  }
  return values
}

/** Ours to theirs in each round that both have: what slowed both down in it falls out. */
export function pairedRatios(
  ours: ReadonlyMap<number, number>,
  theirs: ReadonlyMap<number, number>,
): number[] {
  return [...ours].flatMap(([round, value]) => {
    const other = theirs.get(round)
    return other === undefined || other === 0 ? [] : [value / other]
  })
}

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** Undefined of nothing. */
export function spreadOf(values: Iterable<number>): Spread | undefined {
  const sorted = [...values].sort((a, b) => a - b)
  const [min] = sorted
  const max = sorted.at(-1)
  if (min === undefined || max === undefined) return undefined
  const middle = (sorted.length - 1) / 2
  const low = sorted[Math.floor(middle)] ?? min
  const high = sorted[Math.ceil(middle)] ?? max
  return { median: (low + high) / 2, min, max }
}
