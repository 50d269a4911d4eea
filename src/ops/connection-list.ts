// The list of connections of GET /admin/connections.json: a shard sends the rows that can be in the
// answer, and who was asked makes the document of those of all shards.
import type { ConnectionPart, ConnectionRow, ConnectionSort, Listing } from '../hub/inquiry.ts'
import type { Subscriber } from '../shard/subscriber.ts'
import { connectionFields, connectionRow } from './connection-row.ts'
import type { Gathered } from './desk.ts'
import { First, type ListingSpec, orderOf } from './listing.ts'
import { eachInPages, sendInPages } from './paging.ts'

const keys: { readonly [S in ConnectionSort]: (row: ConnectionRow) => number | string } = {
  created_at: ({ createdAt }) => createdAt,
  client_ip: ({ clientIp }) => clientIp,
  user_agent: ({ userAgent }) => userAgent,
  namespace: ({ topic }) => topic,
  msgs_sent: ({ sent }) => sent,
  lag_bytes: ({ lagBytes }) => lagBytes,
}

export const connectionListing: ListingSpec<ConnectionSort> = {
  sorts: ['created_at', 'client_ip', 'user_agent', 'namespace', 'msgs_sent', 'lag_bytes'],
  order: 'asc',
}

type Connections = Listing<ConnectionSort>

function firstOf({ sort, isDescending, offset, limit }: Connections): First<ConnectionRow> {
  const byAge = (one: ConnectionRow, other: ConnectionRow): number =>
    one.createdAt - other.createdAt || one.shard - other.shard
  return new First(offset + limit, orderOf(keys[sort], isDescending, byAge))
}

/** Sends the rows of this shard that can be in the answer, after a look at each; all in pages. */
export function sendConnections(
  shard: number,
  roster: ReadonlySet<Subscriber>,
  listing: Connections,
  send: (part: ConnectionPart) => void,
): void {
  const first = firstOf(listing)
  let total = 0
  let matched = 0
  const look = (subscriber: Subscriber): void => {
    total++
    const row = connectionRow(subscriber, shard)
    if (!hasText(row, listing.text)) return
    matched++
    first.add(row)
  }
  eachInPages(roster, look, () => {
    const counts = (last: boolean) => (last ? { total, matched } : { total: 0, matched: 0 })
    sendInPages(
      first.rows,
      (row) => row,
      (rows, last) => send({ kind: 'connections', shard, last, ...counts(last), rows }),
    )
  })
}

function hasText(
  { clientIp, requestPath, topic, userAgent }: ConnectionRow,
  text: string,
): boolean {
  if (text === '') return true
  return [clientIp, userAgent, topic, requestPath].some((field) =>
    field.toLowerCase().includes(text),
  )
}

/** The document, of what all shards sent. */
export function connectionList(
  listing: Connections,
  { parts, missing }: Gathered<ConnectionPart>,
): string {
  const { offset, limit } = listing
  const first = firstOf(listing)
  let total = 0
  let matched = 0
  for (const part of [...parts.values()].flat()) {
    total += part.total
    matched += part.matched
    for (const row of part.rows) first.add(row)
  }
  const connections = first.rows.slice(offset).map(connectionFields)
  return JSON.stringify({ total, matched, offset, limit, shards_missing: missing, connections })
}
