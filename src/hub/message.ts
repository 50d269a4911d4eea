// Every message between threads, as one union a direction; no other shape crosses a thread.
// Types, and the one check for what is none of them.
import type { MessagePort } from 'node:worker_threads'
import type { Config } from '../config/option.ts'
import type { Batch } from '../event/batch.ts'
import type { RollupFigures } from '../rollup/rollup.ts'

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

/** What a shard tells of itself about once a second. All counts are since its start. */
export interface ShardReport {
  readonly subscribers: number
  /** Subscribers closed because they lagged. */
  readonly closedSlow: number
  readonly heapUsedBytes: number
  readonly gcCount: number
  readonly gcPauseNs: number
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
  /** Events ordered since the start. */
  readonly events: number
  /** Sums over the shards and the main thread. */
  readonly totals: ShardReport
  readonly sources: readonly SourceState[]
  readonly rollups: readonly RollupFigures[]
}

/** A page of one shard's connections, oldest first, ready to be merged by time. */
export interface StatusPart {
  readonly shard: number
  /** Unix ms of each row. */
  readonly createdAt: readonly number[]
  /** Each row as JSON, indented for the status document. */
  readonly rows: readonly string[]
  readonly last: boolean
}

/** To who asked for the status. */
export type StatusAnswer =
  /** The answer will come from these shards; the state is as of now. */
  | {
      readonly type: 'statusExpect'
      readonly ask: number
      readonly shards: readonly number[]
      readonly state: DispatcherState
    }
  | { readonly type: 'statusPart'; readonly ask: number; readonly part: StatusPart }

/** Shard to hub, over the shard's MessagePort. */
export type ShardToHub =
  /** It hears the relay. The descriptor is for `adopt`, where shards cannot share the port. */
  | { readonly type: 'started'; readonly descriptor: number }
  /** After a `listen`. */
  | { readonly type: 'listening'; readonly hasPort: boolean }
  | { readonly type: 'batch'; readonly batch: Batch }
  /** The relay's position up to which every subscriber able to take bytes has been written. */
  | { readonly type: 'ack'; readonly position: number }
  | { readonly type: 'report'; readonly report: ShardReport }
  /** Which connections are there? Answered by `statusExpect` and `statusPart`s. */
  | { readonly type: 'statusAsk'; readonly ask: number }
  | {
      readonly type: 'statusPart'
      readonly ask: number
      readonly to: number
      readonly part: StatusPart
    }
  /** After a `drain`: no batch will follow. */
  | { readonly type: 'drained' }

/** Hub to one shard, over the same MessagePort. */
export type HubToShard =
  | { readonly type: 'listen'; readonly port: number }
  | { readonly type: 'adopt'; readonly descriptor: number }
  | { readonly type: 'statusAsk'; readonly ask: number; readonly from: number }
  | StatusAnswer
  /** Take no connection and no event any more. */
  | { readonly type: 'drain' }

/** Hub to every shard, over the relay's BroadcastChannel, in one order for all. */
export type HubToShards =
  | {
      readonly type: 'batch'
      readonly batch: Batch
      /** Which shard's bytes are in the batch: pairs of shard and bytes. */
      readonly origins: readonly number[]
      /** Bytes relayed since the start, this batch included: what an `ack` refers to. */
      readonly position: number
    }
  | { readonly type: 'state'; readonly state: DispatcherState }
  /** Nothing will follow: deliver what there is and close streams by this time (Unix ms). */
  | { readonly type: 'finish'; readonly deadline: number }

/** For the default case of a switch over messages: an unknown one is a defect, never skipped. */
export function unknownMessage(message: never): Error {
  const { type } = message as { type?: unknown }
  return new Error(`unknown message between threads: ${String(type)}`)
}
