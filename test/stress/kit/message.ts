// What the main thread of the harness and its reader threads say to each other. Types only.
import type { ViolationName } from './violation.ts'

/** How a subscriber reads: all at once, a byte a second, or nothing once its stream is open. */
export type Pace = 'prompt' | 'trickling' | 'stalled'

/** 'mixed': of each three one resets, one closes and one ends its side. */
export type Manner = 'reset' | 'close' | 'mixed'

export interface ReaderTask {
  readonly port: number
  /** The thread's number, for names. */
  readonly thread: number
  readonly paths: readonly string[]
  readonly authors: number
  readonly eventBytesMin: number
  /** Int32Array: of each author, how many events it has begun to send. The main thread writes. */
  readonly sent: SharedArrayBuffer
}

/** Subscribers that come, read and leave together. */
export interface CrowdTask {
  readonly crowd: string
  /** The number of its path. */
  readonly selection: number
  /** The number of the first one: User-Agents are `<crowd>-<number>`. */
  readonly first: number
  readonly count: number
  readonly pace: Pace
  /** The server may close them. */
  readonly mayEnd: boolean
}

/** Subscribers that come and go, each by itself. */
export interface ChurnTask extends Omit<CrowdTask, 'pace' | 'count'> {
  readonly visits: number
  readonly perSecond: number
  readonly stayMsMax: number
  readonly seed: number
}

export type ToReaders =
  | { readonly type: 'open'; readonly ask: number; readonly task: CrowdTask }
  | {
      readonly type: 'leave'
      readonly ask: number
      readonly crowd: string
      readonly manner: Manner
    }
  | { readonly type: 'churn'; readonly ask: number; readonly task: ChurnTask }
  /** Answered when all that stay have so many of each author, by selection. */
  | { readonly type: 'settle'; readonly ask: number; readonly accepted: readonly Int32Array[] }
  /** From now on the server may close everybody, when they have everything. */
  | { readonly type: 'expectEnd'; readonly ask: number }

export type FromReaders =
  | { readonly type: 'answer'; readonly ask: number }
  | { readonly type: 'violation'; readonly violation: ViolationName; readonly detail: string }
  | {
      readonly type: 'tick'
      readonly deliveries: number
      /** Subscribers whose stream is open. */
      readonly open: number
      /** Closed by the server where it may. */
      readonly ended: number
      /** Of each selection, what has been added to the order. */
      readonly orders: readonly Int32Array[]
      /** Of each selection and author, the count that is next for whoever has least. */
      readonly least: readonly Int32Array[]
      /** The first subscriber that a settling waits for, and for what. */
      readonly waitsFor: string | undefined
    }
