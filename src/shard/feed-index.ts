// The index from topics to feeds. Shard thread.
// The work per event grows with the feeds that match it, never with subscribers or other feeds.
import { type Batch, RUN_FIELDS } from '../event/batch.ts'
import { selectionsOf } from '../event/topic.ts'
import { Feed, type FeedContext } from './feed.ts'

export class FeedIndex {
  readonly #feeds = new Map<string, Feed>()
  readonly #context: FeedContext

  constructor(context: FeedContext) {
    this.#context = context
  }

  /** The feed of a topic and all below it; made if there is none. Join it in the same turn. */
  feedOf(topic: string): Feed {
    let feed = this.#feeds.get(topic)
    if (feed === undefined) {
      feed = new Feed(topic, this.#context)
      this.#feeds.set(topic, feed)
    }
    return feed
  }

  /** Forgets a feed that nobody listens to any more. */
  dropIfEmpty(feed: Feed): void {
    if (feed.isEmpty) this.#feeds.delete(feed.topic)
  }

  /** Appends each run of the batch to every feed that it matches. */
  append(batch: Batch): void {
    const matches = batch.topics.map((topic) => this.#matching(topic))
    let start = 0
    for (let run = 0; run < batch.runs.length; run += RUN_FIELDS) {
      const end = start + (batch.runs[run + 2] as number)
      const feeds = matches[batch.runs[run] as number] as readonly Feed[]
      if (feeds.length > 0) {
        const bytes = batch.bytes.subarray(start, end)
        for (const feed of feeds) feed.append(bytes, batch.runs[run + 1] as number)
      }
      start = end
    }
  }

  #matching(topic: string): readonly Feed[] {
    if (this.#feeds.size === 0) return []
    const feeds: Feed[] = []
    for (const selection of selectionsOf(topic)) {
      const feed = this.#feeds.get(selection)
      if (feed !== undefined) feeds.push(feed)
    }
    return feeds
  }

  get size(): number {
    return this.#feeds.size
  }

  /** All feeds; feeds that come or go meanwhile may be left out. */
  [Symbol.iterator](): Iterator<Feed> {
    return this.#feeds.values()
  }
}
