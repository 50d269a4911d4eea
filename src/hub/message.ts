// Every message between threads, as one union a direction; no other shape crosses a thread.
// Types, and the one check for what is none of them.
import type { MessagePort } from 'node:worker_threads'
import type { Config } from '../config/option.ts'
import type { Batch } from '../event/batch.ts'
import type { RollupFigures } from '../rollup/rollup.ts'
import type { Distribution } from './histogram.ts'
import type { Part, Query, SlowRow } from './inquiry.ts'

/** What a shard's thread is started with. */
export interface ShardTask {
  /** From 0; a shard that died is started again under its number. */
  readonly shard: number
  readonly config: Config
  readonly port: MessagePort
  /** Name of the relay's channel. */
  readonly relay: string
  /** Start of the dispatcher, Unix ms. */
  readonly startedAt: number
}

/** How much there is of something in a shard now. */
export interface Levels {
  readonly subscribers: number
  readonly feeds: number
  readonly connections: number
  readonly heapUsedBytes: number
}

/** What a shard has counted since its start. */
export interface Counts {
  /** Events that came over HTTP. */
  readonly accepted: number
  /** Events written to subscribers, bytes of them, and the writes that took. */
  readonly deliveries: number
  readonly deliveredBytes: number
  readonly writes: number
  readonly heartbeats: number
  readonly streamsOpened: number
  /** For whatever reason. */
  readonly streamsClosed: number
  /** Subscribers closed because they lagged by too many bytes, or for too long. */
  readonly closedLagBytes: number
  readonly closedLagSeconds: number
  /** How often subscribers that lagged were skipped to the head, and past how many events. */
  readonly skips: number
  readonly skippedEvents: number
  /** Streams refused and connections closed unanswered, as there were too many. */
  readonly streamsRefused: number
  readonly connectionsClosed: number
  /** Streams and requests to publish refused, as their address has too many. */
  readonly addressStreamsRefused: number
  readonly addressPublishesRefused: number
  readonly gcCount: number
  readonly gcPauseNs: number
}

/** What a shard measures. */
export interface Distributions {
  /** From the acceptance of an event to its write. */
  readonly delay: Distribution
  /** What one pass over all subscribers of all feeds that had something takes. */
  readonly round: Distribution
  /** How late timers are. */
  readonly lateness: Distribution
}

/** What a shard tells of itself about once a second. */
export interface ShardReport {
  readonly levels: Levels
  readonly counts: Counts
  readonly distributions: Distributions
  /** Error answers by their code. */
  readonly problems: Readonly<Record<string, number>>
  /** Subscribers that lag, worst first. */
  readonly slowest: readonly SlowRow[]
  readonly thread: ThreadReport
  /** By `monotonicMs`. */
  readonly atMs: number
}

/** What a shard's thread costs. */
interface ThreadReport {
  /** Share of the time in which the event loop was busy, since the last report. */
  readonly utilization: number
  /** CPU time since its start; undefined where the system does not tell it of a thread. */
  readonly cpuSeconds: number | undefined
  /** JavaScript's heap in use, and the buffers beside it. */
  readonly memoryBytes: number
  /** How late the latest timer was since the last report. */
  readonly lateMs: number
}

/** How things went between the last two reports of each shard. */
export interface Recent {
  readonly deliveriesPerSecond: number
  readonly bytesPerSecond: number
  readonly delay: Distribution
}

/** What all shards reported, together. */
export interface Totals extends Omit<ShardReport, 'thread' | 'atMs'> {
  readonly recent: Recent
  readonly shards: readonly ShardTotals[]
}

export interface ShardTotals extends ThreadReport {
  readonly shard: number
  readonly subscribers: number
  /** Cores that its thread used between the last two reports. */
  readonly cpu: number | undefined
}

/** How a source stands. Counts are since the start. */
export interface SourceState {
  readonly name: string
  /** Where it is, without its password. */
  readonly address: string
  readonly isUp: boolean
  /** Since when it is up, or down; Unix ms. */
  readonly since: number
  /** Why it is down. */
  readonly error: string | undefined
  /** How often it came up. */
  readonly connects: number
  /** Messages that became events. */
  readonly received: number
  /** Messages that make no event: too large, or a channel's name that makes no topic. */
  readonly refused: number
  /** Of those received, how many had bytes that are not UTF-8, which became U+FFFD. */
  readonly replaced: number
  /** Messages that came while subscribers waited for the server. */
  readonly dropped: number
}

/** What every shard must know of the whole; broadcast when it changes. */
export interface DispatcherState {
  /** False while starting, draining, or while a source is down: GET /ready says why. */
  readonly ready: boolean
  readonly reason: 'starting' | 'ready' | 'source_down' | 'draining'
  /** True while subscribers wait for our CPU: publishers get 503. */
  readonly overloaded: boolean
  /** Shards that take subscribers and events. */
  readonly threads: number
  /** Events ordered since the start, and in the last second or so. */
  readonly events: number
  readonly eventsPerSecond: number
  /** Bytes that the slowest shard has still to write. */
  readonly backlogBytes: number
  /** Past which publishers get 503, and streams. */
  readonly backlogBytesMax: number
  readonly connectionsMax: number
  readonly totals: Totals
  readonly sources: readonly SourceState[]
  readonly rollups: readonly RollupFigures[]
}

/** To who asked. */
export type Answer =
  /** It will come from these shards; the state is as of now. */
  | {
      readonly type: 'expect'
      readonly ask: number
      readonly shards: readonly number[]
      readonly state: DispatcherState
    }
  | { readonly type: 'part'; readonly ask: number; readonly part: Part }

/** What some addresses have in one shard; three lists of one length. */
export interface AddressUse {
  readonly addresses: readonly string[]
  /** Open now. */
  readonly streams: readonly number[]
  /** Requests let through since the shard told last. */
  readonly publishes: readonly number[]
}

/** How a renewal of the certificate went in a shard. */
export interface Renewed {
  /** Why all is as it was. */
  readonly fault: string | undefined
  /** Where shards cannot share the port, `adopt` takes this, and `disown` what it replaces. */
  readonly descriptor: number
  readonly replaced: number
}

/** Shard to hub, over the shard's MessagePort. */
export type ShardToHub =
  /** It hears the relay. The descriptor is for `adopt`, where shards cannot share the port. */
  | { readonly type: 'started'; readonly descriptor: number }
  /** After a `listen`. */
  | { readonly type: 'listening'; readonly hasPort: boolean }
  /** When its oldest event was accepted, by `monotonicMs`. */
  | { readonly type: 'batch'; readonly batch: Batch; readonly acceptedMs: number }
  /** The relay's position up to which every subscriber able to take bytes has been written. */
  | { readonly type: 'ack'; readonly position: number }
  | { readonly type: 'report'; readonly report: ShardReport }
  /** How many connections it has now. */
  | { readonly type: 'connections'; readonly count: number }
  /** What changed, where addresses are limited. */
  | { readonly type: 'addresses'; readonly use: AddressUse }
  /** To all shards; answered by `expect` and `part`s. */
  | { readonly type: 'ask'; readonly ask: number; readonly query: Query }
  | { readonly type: 'part'; readonly ask: number; readonly to: number; readonly part: Part }
  /** After a `renew`. */
  | ({ readonly type: 'renewed' } & Renewed)
  /** After a `drain`: no batch will follow. */
  | { readonly type: 'drained' }

/** Hub to one shard, over the same MessagePort. */
export type HubToShard =
  | { readonly type: 'listen'; readonly port: number }
  | { readonly type: 'adopt'; readonly descriptor: number }
  | { readonly type: 'disown'; readonly descriptor: number }
  /** Serve new connections with the certificate that the files hold now. */
  | { readonly type: 'renew' }
  | { readonly type: 'ask'; readonly ask: number; readonly from: number; readonly query: Query }
  | Answer
  /** Take no connection and no event any more. */
  | { readonly type: 'drain' }

/** Hub to every shard, over the relay's BroadcastChannel, in one order for all. */
export type HubToShards =
  | {
      readonly type: 'batch'
      readonly batch: Batch
      /** When its oldest event was accepted, by `monotonicMs`. */
      readonly acceptedMs: number
      /** Which shard's bytes are in the batch: pairs of shard and bytes. */
      readonly origins: readonly number[]
      /** Bytes relayed since the start, this batch included: what an `ack` refers to. */
      readonly position: number
    }
  | { readonly type: 'state'; readonly state: DispatcherState }
  /** Connections of each shard, by its number. */
  | { readonly type: 'connections'; readonly counts: readonly number[] }
  /** What a shard told of addresses. */
  | { readonly type: 'addresses'; readonly shard: number; readonly use: AddressUse }
  /**
   * Nothing will follow: deliver what there is and close streams within so many ms. A length of
   * time, because threads share no clock that nobody can set.
   */
  | { readonly type: 'finish'; readonly withinMs: number }

/** For the default case of a switch over messages: an unknown one is a defect, never skipped. */
export function unknownMessage(message: never): Error {
  const { type } = message as { type?: unknown }
  return new Error(`unknown message between threads: ${String(type)}`)
}
