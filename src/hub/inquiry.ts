// What the shards are asked about their subscribers, and what they answer. Types: an ask goes from a
// shard or the main thread to the hub, to every shard, and back the same way.

/** What is asked. */
export type Query =
  /** Every subscriber, for the status document. */
  | { readonly kind: 'status' }
  | { readonly kind: 'connections'; readonly listing: Listing<ConnectionSort> }
  /** Every feed. */
  | { readonly kind: 'topics' }
  /** The laggards. */
  | { readonly kind: 'slow' }

export type ConnectionSort =
  | 'created_at'
  | 'client_ip'
  | 'user_agent'
  | 'namespace'
  | 'msgs_sent'
  | 'lag_bytes'

/** A cut of a list: rows that have a text, in an order, from one on. */
export interface Listing<S extends string> {
  /** In lower case; '' for all. */
  readonly text: string
  readonly sort: S
  readonly isDescending: boolean
  readonly offset: number
  readonly limit: number
}

interface PartOf<K extends Query['kind']> {
  readonly kind: K
  readonly shard: number
  /** Nothing of this shard follows. */
  readonly last: boolean
}

/** A page of one shard's connections, oldest first, ready to be merged by time. */
export interface StatusPart extends PartOf<'status'> {
  /** Unix ms of each row. */
  readonly createdAt: readonly number[]
  /** Each row as JSON, indented for the status document. */
  readonly rows: readonly string[]
  /** In the last page. */
  readonly slow?: SlowPage
}

/** A subscriber, for who reads about it. */
export interface ConnectionRow {
  readonly shard: number
  readonly requestPath: string
  readonly topic: string
  /** Unix ms. */
  readonly createdAt: number
  readonly clientIp: string
  readonly userAgent: string
  readonly sent: number
  readonly lagBytes: number
  readonly skippedEvents: number
}

/** A page of the shard's first rows in the order that was asked for: as many as could be needed. */
export interface ConnectionPart extends PartOf<'connections'> {
  /** All subscribers, and those that have the text; in the last page, else 0. */
  readonly total: number
  readonly matched: number
  readonly rows: readonly ConnectionRow[]
}

/** A selection of topics that somebody is subscribed to in one shard. */
export interface TopicRow {
  readonly topic: string
  readonly subscribers: number
  readonly eventsPerSecond: number
}

/** A page of one shard's feeds, in any order. */
export interface TopicPart extends PartOf<'topics'> {
  readonly rows: readonly TopicRow[]
}

export interface SlowPart extends PartOf<'slow'> {
  readonly slow: SlowPage
}

export type Part = StatusPart | ConnectionPart | TopicPart | SlowPart

/** Which limit a subscriber with a full socket is past. */
export type SlowReason = 'lag_bytes' | 'lag_seconds'

/** A laggard, as the status shows it. */
export interface SlowRow {
  readonly shard: number
  readonly clientIp: string
  readonly userAgent: string
  readonly topic: string
  readonly lagBytes: number
  /** For how long it has been behind with a full socket at times. */
  readonly lagSeconds: number
  /** How often it was skipped, and past how many events in all. */
  readonly skips: number
  readonly skippedEvents: number
}

/** One that was closed or skipped. */
export interface SlowRecord extends SlowRow {
  /** Unix ms. */
  readonly at: number
  readonly action: 'closed' | 'skipped'
  readonly reason: SlowReason
}

/** What a shard tells of its laggards. */
export interface SlowPage {
  /** Worst first. */
  readonly slowest: readonly SlowRow[]
  /** Oldest first. */
  readonly recent: readonly SlowRecord[]
}
