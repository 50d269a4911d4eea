// A connection as a row: what a shard tells of a subscriber, and how documents have it.
import type { ConnectionRow } from '../hub/inquiry.ts'
import type { Subscriber } from '../shard/subscriber.ts'
import { unixSeconds } from './time.ts'

/** A subscriber as it is now. */
export function connectionRow(subscriber: Subscriber, shard: number): ConnectionRow {
  const { createdAt, feed, identity, lagBytes, sent, skippedEvents } = subscriber
  const { clientIp, requestPath, userAgent } = identity
  const { topic } = feed
  return {
    shard,
    requestPath,
    topic,
    createdAt,
    clientIp,
    userAgent,
    sent,
    lagBytes,
    skippedEvents,
  }
}

export function connectionFields(row: ConnectionRow): object {
  return {
    request_path: row.requestPath,
    namespace: row.topic,
    created_at: unixSeconds(row.createdAt),
    client_ip: row.clientIp,
    user_agent: row.userAgent,
    msgs_sent: row.sent,
    lag_bytes: row.lagBytes,
    msgs_skipped: row.skippedEvents,
    shard: row.shard,
  }
}
