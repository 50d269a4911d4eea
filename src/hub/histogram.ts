// Distributions of times: measured in shards, summed by the hub, shown by ops.
import type { Distributions } from './message.ts'

/** Upper bounds of the buckets, in seconds; a last one has the rest. */
export const BUCKETS_SECONDS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
] as const

/** As a message carries it. */
export interface Distribution {
  /** Of each bucket, and of what is above all. */
  readonly counts: readonly number[]
  /** Of all values, in seconds. */
  readonly sum: number
}

export class Histogram implements Distribution {
  readonly counts: number[] = Array.from({ length: BUCKETS_SECONDS.length + 1 }, () => 0)
  sum = 0

  /** @param times that it happened */
  add(seconds: number, times = 1): void {
    let bucket = 0
    while (bucket < BUCKETS_SECONDS.length && seconds > (BUCKETS_SECONDS[bucket] as number))
      bucket++
    this.counts[bucket] = (this.counts[bucket] as number) + times
    this.sum += seconds * times
  }

  merge({ counts, sum }: Distribution): void {
    for (const [bucket, count] of counts.entries()) {
      this.counts[bucket] = (this.counts[bucket] as number) + count
    }
    this.sum += sum
  }

  get snapshot(): Distribution {
    return { counts: [...this.counts], sum: this.sum }
  }
}

/** Several by name, as a message carries them. */
export function distributionsOf(
  histograms: Readonly<Record<keyof Distributions, Histogram>>,
): Distributions {
  const { delay, round, lateness } = histograms
  return { delay: delay.snapshot, round: round.snapshot, lateness: lateness.snapshot }
}

/** What came to `now` since it was `before`. */
export function distributionSince(now: Distribution, before: Distribution): Distribution {
  const counts = now.counts.map((count, bucket) => count - (before.counts[bucket] as number))
  return { counts, sum: now.sum - before.sum }
}

/**
 * The value below which this share of all values is, taken as evenly spread within its bucket, as
 * Prometheus' histogram_quantile has it; above the last bound, that bound.
 * @returns seconds; undefined where there is no value
 */
export function quantileOf({ counts }: Distribution, share: number): number | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (total === 0) return undefined
  const rank = share * total
  let below = 0
  let lower = 0
  for (const [bucket, upper] of BUCKETS_SECONDS.entries()) {
    const count = counts[bucket] as number
    if (count > 0 && below + count >= rank)
      return lower + ((rank - below) / count) * (upper - lower)
    below += count
    lower = upper
  }
  return lower
}
