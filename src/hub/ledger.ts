// What the shards report, summed. Main thread. Counts only grow: what a shard counted that died stays,
// or whoever watches them would take the fall for a new start.
import { distributionSince, distributionsOf, Histogram } from './histogram.ts'
import type { SlowRow } from './inquiry.ts'
import type {
  Counts,
  Distributions,
  Levels,
  Recent,
  ShardReport,
  ShardTotals,
  Totals,
} from './message.ts'

/** Laggards that are named in all: in the metrics each is a series. */
export const SLOW_ROWS_MAX = 20

type Sums<T> = { -readonly [F in keyof T]: number }

/** Of the thread that the hub runs in. */
export type OwnFigures = Pick<Levels, 'heapUsedBytes'> & Pick<Counts, 'gcCount' | 'gcPauseNs'>

export class Ledger {
  /** The last report of each shard, and the one before. */
  readonly #reports = new Map<number, Pair>()
  readonly #dead = new Sum()
  readonly #own: () => OwnFigures

  constructor(own: () => OwnFigures) {
    this.#own = own
  }

  take(shard: number, report: ShardReport): void {
    const before = this.#reports.get(shard)?.last
    // Two of one moment tell no rate.
    const isLater = before !== undefined && report.atMs > before.atMs
    this.#reports.set(shard, { last: report, before: isLater ? before : undefined })
  }

  /** The shard is gone. */
  bury(shard: number): void {
    const pair = this.#reports.get(shard)
    if (pair === undefined) return
    this.#reports.delete(shard)
    this.#dead.addCounted(pair.last)
  }

  get totals(): Totals {
    const sum = new Sum()
    sum.addCounted(this.#dead)
    const slowest: SlowRow[] = []
    for (const { last } of this.#reports.values()) {
      sum.addCounted(last)
      add(sum.levels, last.levels)
      slowest.push(...last.slowest)
    }
    const { gcCount, gcPauseNs, heapUsedBytes } = this.#own()
    sum.levels.heapUsedBytes += heapUsedBytes
    sum.counts.gcCount += gcCount
    sum.counts.gcPauseNs += gcPauseNs
    const { levels, counts, distributions, problems } = sum
    return {
      levels,
      counts,
      problems,
      distributions,
      slowest: worstFirst(slowest),
      recent: recentOf([...this.#reports.values()]),
      shards: [...this.#reports]
        .toSorted(byNumber)
        .map(([shard, pair]) => shardTotals(shard, pair)),
    }
  }
}

interface Pair {
  readonly last: ShardReport
  readonly before: ShardReport | undefined
}

function byNumber([one]: readonly [number, Pair], [other]: readonly [number, Pair]): number {
  return one - other
}

/** Each shard by its own clock: how late a report comes changes no rate. */
function recentOf(pairs: readonly Pair[]): Recent {
  const delay = new Histogram()
  let deliveriesPerSecond = 0
  let bytesPerSecond = 0
  for (const { last, before } of pairs) {
    if (before === undefined) continue
    const seconds = (last.atMs - before.atMs) / 1000
    deliveriesPerSecond += (last.counts.deliveries - before.counts.deliveries) / seconds
    bytesPerSecond += (last.counts.deliveredBytes - before.counts.deliveredBytes) / seconds
    delay.merge(distributionSince(last.distributions.delay, before.distributions.delay))
  }
  return { deliveriesPerSecond, bytesPerSecond, delay: delay.snapshot }
}

function shardTotals(shard: number, { last, before }: Pair): ShardTotals {
  const { subscribers } = last.levels
  return { shard, subscribers, ...last.thread, cpu: before && cpuBetween(last, before) }
}

function cpuBetween(last: ShardReport, before: ShardReport): number | undefined {
  const [now, then] = [last.thread.cpuSeconds, before.thread.cpuSeconds]
  if (now === undefined || then === undefined) return undefined
  return (now - then) / ((last.atMs - before.atMs) / 1000)
}

/** The furthest behind of all: by bytes, then by time. */
export function worstFirst(rows: SlowRow[]): SlowRow[] {
  rows.sort((one, other) => other.lagBytes - one.lagBytes || other.lagSeconds - one.lagSeconds)
  return rows.slice(0, SLOW_ROWS_MAX)
}

class Sum {
  readonly levels: Sums<Levels> = { subscribers: 0, feeds: 0, connections: 0, heapUsedBytes: 0 }
  readonly counts: Sums<Counts> = {
    accepted: 0,
    deliveries: 0,
    deliveredBytes: 0,
    writes: 0,
    heartbeats: 0,
    streamsOpened: 0,
    streamsClosed: 0,
    closedLagBytes: 0,
    closedLagSeconds: 0,
    skips: 0,
    skippedEvents: 0,
    streamsRefused: 0,
    connectionsClosed: 0,
    addressStreamsRefused: 0,
    addressPublishesRefused: 0,
    gcCount: 0,
    gcPauseNs: 0,
  }
  readonly problems: Record<string, number> = {}
  readonly #histograms = {
    delay: new Histogram(),
    round: new Histogram(),
    lateness: new Histogram(),
  }

  /** All but the levels. */
  addCounted({
    counts,
    distributions,
    problems,
  }: Pick<ShardReport, 'counts' | 'distributions' | 'problems'>): void {
    add(this.counts, counts)
    for (const [code, count] of Object.entries(problems)) {
      this.problems[code] = (this.problems[code] ?? 0) + count
    }
    for (const [name, histogram] of Object.entries(this.#histograms)) {
      histogram.merge(distributions[name as keyof Distributions])
    }
  }

  /** As a message carries them. */
  get distributions(): Distributions {
    return distributionsOf(this.#histograms)
  }
}

function add<T extends object>(sums: Sums<T>, values: T): void {
  for (const field of Object.keys(sums) as (keyof T)[]) {
    sums[field] = (sums[field] as number) + (values[field] as number)
  }
}
