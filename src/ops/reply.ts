// What a shard answers to an ask, by what is asked. Shard thread.
import type { Part, Query } from '../hub/inquiry.ts'
import type { Shard } from '../shard/shard.ts'
import { sendConnections } from './connection-list.ts'
import { sendRows } from './roster.ts'
import { sendTopics } from './topic-list.ts'

/** Sends the parts of the answer, the last of which says so. */
export function reply(
  number: number,
  { feeds, roster, slow }: Shard,
  query: Query,
  send: (part: Part) => void,
): void {
  switch (query.kind) {
    case 'status':
      sendRows(number, roster, slow, send)
      return
    case 'connections':
      sendConnections(number, roster, query.listing, send)
      return
    case 'topics':
      sendTopics(number, feeds, send)
      return
    case 'slow':
      send({ kind: 'slow', shard: number, last: true, slow: slow.page(roster) })
      return
    default:
      throw new Error(`unknown query: ${(query as Query).kind}`)
  }
}
