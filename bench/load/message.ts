// What the main thread of the load client and its threads say to each other. Types and offsets.

/** Subscribers that ask for the same. */
export interface Selection {
  readonly path: string
  readonly count: number
  /** The topics that they get, by number, the last one not included. */
  readonly fromTopic: number
  readonly toTopic: number
}

export interface Address {
  readonly host: string
  readonly port: number
  /** Header lines for every request, each with its CRLF. */
  readonly headers: string
}

/** 'stamp': events of ours, with numbers. 'data': any event, counted only. */
type Marking = 'stamp' | 'data'

export interface SubscriberTask extends Address {
  readonly selections: readonly Selection[]
  /** Further subscribers of the first selection that never read. */
  readonly stalled: number
  readonly marking: Marking
  readonly eventBytes: number
  readonly publishers: number
  /** Connect without waiting for those before. */
  readonly isAtOnce: boolean
  /** Float64Array, by the offsets below; the thread writes, the main thread reads at any time. */
  readonly counters: SharedArrayBuffer
}

export const DELIVERIES = 0
export const BYTES = 1
export const COUNTERS = 2

/** When events are due: number n at `startUs + n * periodUs`, of the clock in clock.ts. */
export interface Schedule {
  readonly startUs: number
  readonly periodUs: number
  /** How many there are. */
  readonly count: number
  /** The numbers whose latency counts, the last one not included. */
  readonly fromNumber: number
  readonly toNumber: number
  /** What is not answered or delivered by then is not waited for: the server is behind. */
  readonly giveUpUs: number
}

/** What a thread that publishes sends: HTTP, or PUBLISH of Redis. */
export interface PublisherTask extends Address {
  readonly protocol: 'http' | 'redis'
  /** One for each topic: the path to post to, or the channel. */
  readonly targets: readonly string[]
  /** How often each target is drawn, relative to the others. */
  readonly weights: readonly number[]
  readonly eventBytes: number
  readonly connections: number
  readonly schedule: Schedule
}

export type ToSubscribers =
  | { readonly type: 'connect' }
  | { readonly type: 'schedule'; readonly schedule: Schedule }
  | { readonly type: 'finish' }

interface ReadyReport {
  readonly type: 'ready'
}

export interface OpenReport {
  readonly type: 'open'
  /** Undefined where a server sends nothing before the first event. */
  readonly untilLastUs: number | undefined
  /** Why some could not subscribe. */
  readonly refusal: string | undefined
}

/** Of each subscriber, in the order of the selections; stalled ones are not in it. */
export interface SubscriberReport {
  readonly type: 'report'
  readonly selection: Uint16Array
  readonly got: Uint32Array
  /** Over the numbers in the order in which they came. */
  readonly orderHash: Int32Array
  readonly isClosed: Uint8Array
  readonly orderErrors: number
  /** In µs, encoded by hdr-histogram-js. */
  readonly latency: string
}

export type FromSubscribers = ReadyReport | OpenReport | SubscriberReport

export interface PublisherReport {
  readonly type: 'report'
  /** Events with a good answer, of each topic. */
  readonly accepted: Uint32Array
  /** Good answers that came in the measured time. */
  readonly acceptedMeasured: number
  /** Other answers, and requests whose connection ended before the answer. */
  readonly errors: number
  /** Requests that had no answer when they were given up. */
  readonly unanswered: number
  /** From when events were due until they were handed to the kernel, in µs. */
  readonly lateness: string
}
