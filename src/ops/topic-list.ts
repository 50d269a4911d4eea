// The list of topics of GET /admin/topics.json: every selection that somebody is subscribed to. A
// shard sends those it has in pages, and who was asked makes the document of those of all shards.
import type { Listing, TopicPart, TopicRow } from '../hub/inquiry.ts'
import type { Feed } from '../shard/feed.ts'
import type { Gathered } from './desk.ts'
import { First, type ListingSpec, orderOf } from './listing.ts'
import { sendInPages } from './paging.ts'
import { tenths } from './rounding.ts'

type TopicSort = 'subscribers' | 'events_per_second' | 'topic'

export const topicListing: ListingSpec<TopicSort> = {
  sorts: ['subscribers', 'events_per_second', 'topic'],
  order: 'desc',
}

/** In all shards together. */
interface Topic {
  readonly topic: string
  subscribers: number
  eventsPerSecond: number
  deliveriesPerSecond: number
}

const keys: { readonly [S in TopicSort]: (topic: Topic) => number | string } = {
  subscribers: ({ subscribers }) => subscribers,
  events_per_second: ({ eventsPerSecond }) => eventsPerSecond,
  topic: ({ topic }) => topic,
}

/** Sends the feeds of this shard. */
export function sendTopics(
  shard: number,
  feeds: Iterable<Feed>,
  send: (part: TopicPart) => void,
): void {
  const rowOf = ({ topic, seats, rate }: Feed): TopicRow => {
    return { topic, subscribers: seats.length, eventsPerSecond: rate.perSecond }
  }
  sendInPages(feeds, rowOf, (rows, last) => send({ kind: 'topics', shard, last, rows }))
}

/** The document, of what all shards sent. */
export function topicList(
  { text, sort, isDescending, offset, limit }: Listing<TopicSort>,
  { parts, missing }: Gathered<TopicPart>,
): string {
  const topics = summed([...parts.values()].flat().flatMap(({ rows }) => rows))
  const byName = (one: Topic, other: Topic): number => (one.topic < other.topic ? -1 : 1)
  const first = new First(offset + limit, orderOf(keys[sort], isDescending, byName))
  let matched = 0
  for (const topic of topics) {
    if (!topic.topic.toLowerCase().includes(text)) continue
    matched++
    first.add(topic)
  }
  return JSON.stringify({
    total: topics.length,
    matched,
    offset,
    limit,
    shards_missing: missing,
    topics: first.rows.slice(offset).map(topicFields),
  })
}

/** Every shard gets every event: what they count of a topic is the same, at moments of their own. */
function summed(rows: readonly TopicRow[]): Topic[] {
  const topics = new Map<string, Topic>()
  for (const { topic: name, subscribers, eventsPerSecond } of rows) {
    const topic = topics.get(name) ?? {
      topic: name,
      subscribers: 0,
      eventsPerSecond: 0,
      deliveriesPerSecond: 0,
    }
    topics.set(name, topic)
    topic.subscribers += subscribers
    topic.eventsPerSecond = Math.max(topic.eventsPerSecond, eventsPerSecond)
    topic.deliveriesPerSecond += subscribers * eventsPerSecond
  }
  return [...topics.values()]
}

function topicFields({ topic, subscribers, ...rates }: Topic): object {
  return {
    topic,
    subscribers,
    events_per_second: tenths(rates.eventsPerSecond),
    deliveries_per_second: tenths(rates.deliveriesPerSecond),
  }
}
