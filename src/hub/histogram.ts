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
