// Made-up results of the benchmark, for tests of what reads them.
import type { Measurement, Results } from '../../bench/result.ts'
import { seeded } from '../../scripts/feeder/random.ts'

/** Figures of one server under one load, before noise. */
export interface Sketch {
  readonly server: string
  readonly p99Ms: number
  readonly cpuUs: number
  readonly deliveries?: number
  readonly limit?: Measurement['limit']
  readonly lost?: number
  readonly behind?: number
  readonly kibibytes?: number
}

export interface SketchOptions {
  readonly case?: string
  readonly load?: Measurement['load']
  readonly rounds?: number
  /** Each figure is off by up to this share of itself, evenly. */
  readonly noise?: number
  /** Of each round, for all servers alike: a machine that is now faster, now slower. */
  readonly slowness?: readonly number[]
  readonly seed?: number
}

/** Rounds of each sketched server; the same again for the same seed. */
export function measure(sketches: readonly Sketch[], options: SketchOptions = {}): Measurement[] {
  const { rounds = 5, noise = 0, slowness = [], seed = 1 } = options
  const load = options.load ?? { subscribers: 1000, eventsPerSecond: 50, eventBytes: 150 }
  const random = seeded(seed)
  const around = (value: number): number => value * (1 + noise * (2 * random() - 1))
  return Array.from({ length: rounds }, (_, round) =>
    sketches.map((sketch): Measurement => {
      const slow = slowness[round] ?? 1
      const p99Ms = around(sketch.p99Ms * slow)
      return {
        case: options.case ?? 'fan-out',
        server: sketch.server,
        round,
        load,
        limit: sketch.limit ?? 'none',
        seconds: 4,
        deliveriesPerSecond: around((sketch.deliveries ?? 50_000) / slow),
        ...(sketch.behind === undefined ? { lost: sketch.lost ?? 0 } : { behind: sketch.behind }),
        orderErrors: 0,
        latency: {
          count: 200_000,
          p50Ms: p99Ms / 2.5,
          p97_5Ms: p99Ms / 1.2,
          p99Ms,
          p99_9Ms: p99Ms * 1.3,
          maxMs: p99Ms * 1.5,
        },
        serverCpuUsPerDelivery: around(sketch.cpuUs * slow),
        ...(sketch.kibibytes === undefined
          ? {}
          : { kibibytesPerSubscriber: around(sketch.kibibytes) }),
      }
    }),
  ).flat()
}

export function resultsOf(
  measurements: readonly Measurement[],
  changes: Partial<Results> = {},
): Results {
  return {
    schema: 1,
    date: '2026-11-23T10:20:30.000Z',
    commit: 'abc1234def5678',
    isDirty: false,
    machine: {
      cpu: 'Example CPU at 3 GHz',
      cores: 2,
      memoryGibibytes: 23.4,
      kernel: 'Linux 6.1.0',
      node: '20.20.2',
    },
    versions: { carillon: '0.1.0' },
    measurements,
    ...changes,
  }
}
