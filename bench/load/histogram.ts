// Latency histograms: made and filled in the load's threads, sent as text, added up and read here.
import {
  build,
  decodeFromCompressedBase64,
  encodeIntoCompressedBase64,
  type Histogram,
} from 'hdr-histogram-js'
import type { Latency } from '../result.ts'

/** What takes longer counts as this: 18 minutes. */
const LATENCY_US_MAX = 2 ** 30 - 1
/** Values below are exact, those above keep so many steps for each power of two: three digits. */
const EXACT = 2048
const STEPS = EXACT / 2
const STEPS_LOG2 = 10

function hdr(): Histogram {
  return build({
    bitBucketSize: 'packed',
    highestTrackableValue: LATENCY_US_MAX,
    numberOfSignificantValueDigits: 3,
  })
}

/** Of whole µs, to three digits. */
export class LatencyHistogram {
  readonly #histogram = hdr()
  /**
   * What was recorded since the histogram was last asked for, in its own resolution. With its own
   * recordValue for each delivery a core took in 4.7 million a second, with this 10.0 million.
   */
  readonly #counts = new Float64Array(EXACT + STEPS * 20)

  /** @param texts of histograms to add up */
  constructor(texts: readonly string[] = []) {
    for (const text of texts) this.#histogram.add(decodeFromCompressedBase64(text))
  }

  record(us: number): void {
    const whole = us < 0 ? 0 : us > LATENCY_US_MAX ? LATENCY_US_MAX : us | 0
    const shift = whole < EXACT ? 0 : 32 - STEPS_LOG2 - 1 - Math.clz32(whole)
    ;(this.#counts[shift * STEPS + (whole >> shift)] as number)++
  }

  toText(): string {
    return encodeIntoCompressedBase64(this.#filled())
  }

  /** Undefined where nothing was recorded. */
  summary(): Latency | undefined {
    const histogram = this.#filled()
    if (histogram.totalCount === 0) return undefined
    const ms = (percentile: number): number => histogram.getValueAtPercentile(percentile) / 1000
    return {
      count: histogram.totalCount,
      p50Ms: ms(50),
      p97_5Ms: ms(97.5),
      p99Ms: ms(99),
      p99_9Ms: ms(99.9),
      maxMs: ms(100),
    }
  }

  #filled(): Histogram {
    for (const [index, count] of this.#counts.entries()) {
      if (count === 0) continue
      const shift = index < EXACT ? 0 : Math.floor(index / STEPS) - 1
      this.#histogram.recordValueWithCount((index - shift * STEPS) * 2 ** shift, count)
    }
    this.#counts.fill(0)
    return this.#histogram
  }
}
