// A snapshot of the server, as GET /admin/events sends it each second (docs/protocol.md).

export interface ShardFigures {
  readonly shard: number
  readonly subscribers: number
  /** In cores; null where the system does not tell it. */
  readonly cpu: number | null
  readonly busy: number
  readonly memory_bytes: number
  readonly loop_delay_ms: number
}

export interface SourceFigures {
  readonly name: string
  readonly address: string
  readonly state: 'up' | 'down'
  readonly since: number
  readonly error: string | null
  readonly connects: number
  readonly msgs_received: number
  readonly msgs_refused: number
  readonly msgs_dropped: number
}

export interface Snapshot {
  /** Unix ms. */
  readonly at: number
  readonly node: string
  readonly version: string
  readonly uptime_s: number
  readonly state: 'starting' | 'ready' | 'source_down' | 'draining'
  readonly overloaded: boolean
  readonly events_per_second: number
  readonly deliveries_per_second: number
  readonly bytes_per_second: number
  readonly events: number
  readonly deliveries: number
  readonly bytes: number
  readonly subscribers: number
  readonly connections: number
  readonly connections_max: number
  readonly backlog_bytes: number
  readonly backlog_bytes_max: number
  readonly delay_p50_ms: number | null
  readonly delay_p99_ms: number | null
  readonly refused: Readonly<Record<string, number>>
  readonly closed_slow: number
  readonly skips: number
  readonly rss_bytes: number
  readonly shards: readonly ShardFigures[]
  readonly sources: readonly SourceFigures[]
}
