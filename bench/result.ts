// What a benchmark run found: the shape of the files in bench/results/, written by the run, read by
// the table, the plots and the comparison. Types only.

/** Of one latency histogram, in ms. */
export interface Latency {
  readonly count: number
  readonly p50Ms: number
  readonly p97_5Ms: number
  readonly p99Ms: number
  readonly p99_9Ms: number
  readonly maxMs: number
}

/** Which process was at its limit: the figures then are that one's, not the server's. */
export type Limit = 'none' | 'server' | 'load client'

/** One measurement of one server. A figure that a case does not measure is absent. */
export interface Measurement {
  /** Name of the case, as bench/case.ts has it: 'fan-out', 'many subscribers', … */
  readonly case: string
  /** 'carillon', 'floor', 'nchan', or the name of a --peer. */
  readonly server: string
  /** Of the paired runs A B A B, from 0. */
  readonly round: number
  /** What was asked for: subscribers, eventsPerSecond, eventBytes, connections, threads, … */
  readonly load: Readonly<Record<string, number | string>>
  readonly limit: Limit
  readonly seconds: number
  /** Events that the server accepted, and that subscribers got, each second. */
  readonly publishedPerSecond?: number
  readonly deliveriesPerSecond?: number
  readonly megabytesPerSecond?: number
  /** Deliveries that are missing, and that came in another order than on the first subscriber. */
  readonly lost?: number
  readonly orderErrors?: number
  /** In place of `lost`: missing while deliveries still came, some seconds after the last event. */
  readonly behind?: number
  /** Answers that were no 2xx, and requests whose connection ended before the answer. */
  readonly errors?: number
  /** Requests without an answer some seconds after the last event. */
  readonly unanswered?: number
  /** Subscribers that read, and that the server closed: nothing counts as lost to them. */
  readonly closed?: number
  /** From when an event or request was due. */
  readonly latency?: Latency
  /** What of the latency is the publisher's: p99 from when an event was due until it was sent. */
  readonly publisherLateP99Ms?: number
  readonly serverCpuUsPerDelivery?: number
  readonly serverCpuUsPerRequest?: number
  /** CPU seconds per second, of the server and of the load client. */
  readonly serverCpu?: number
  readonly loadCpu?: number
  /** The same of everything else on the machine: where it is not small, figures are noisy. */
  readonly otherCpu?: number
  readonly residentMebibytes?: number
  readonly kibibytesPerSubscriber?: number
  /** Of a connect storm: until the last subscriber had its first byte. */
  readonly untilLastMs?: number
}

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGibibytes: number
  readonly kernel: string
  readonly node: string
}

export interface Results {
  readonly schema: 1
  /** ISO 8601. */
  readonly date: string
  readonly commit: string
  /** The tree had changes that were not committed. */
  readonly isDirty: boolean
  readonly machine: Machine
  /** Versions of what was measured: carillon, uWebSockets.js, nginx, … */
  readonly versions: Readonly<Record<string, string>>
  readonly measurements: readonly Measurement[]
}
