// Statements about /subscribe/details/:id: the tweets of one emoji. Which one is popular enough to
// be tested is learnt from the scores.
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { below, Stream } from '../kit/stream.ts'
import { until } from '../kit/until.ts'
import { assertReachesEventSource, messageStatements, record } from './message.ts'
import { LIMIT_MS, must, once } from './statement.ts'

/** Tried besides the popular ones, which are not known where /subscribe/raw is quiet. */
const KNOWN_IDS = ['2665', '1F602', '1F680']
const POPULAR_IDS_MAX = 5

interface Details {
  readonly id: string
  readonly url: URL
  readonly stream: Stream
}

export function detailStatements(base: URL, raw: () => Promise<Stream>): void {
  const details = once(async (): Promise<Details> => {
    const scores = await raw().catch(() => undefined)
    const popular = popularIds(scores?.messages.map(({ data }) => data) ?? [])
    return openFirst(base, [...new Set([...popular, ...KNOWN_IDS])])
  })
  const recorded = once(async () => record((await details()).stream))

  describe('messages of /subscribe/details/:id', () => {
    messageStatements(recorded, true)
    must('MUST each have the event stream.tweet_updates.ID, and be of that ID alone', async () => {
      const { id } = await details()
      for (const { event } of (await recorded()).messages) {
        assert.equal(event, `stream.tweet_updates.${id}`)
      }
    })
    must('MUST each be a small tweet in JSON', async (t) => {
      const { messages } = await recorded()
      for (const { data } of messages) assertTweet(data)
      t.diagnostic(`${messages.length} tweets of ${(await details()).id}`)
    })
    must('MUST reach an EventSource under their event name', async (t) => {
      const { id, url } = await details()
      await assertReachesEventSource(t, url, `stream.tweet_updates.${id}`)
    })
  })
}

function popularIds(ids: readonly string[]): string[] {
  const counts = new Map<string, number>()
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1)
  const byCount = [...counts].sort(([, one], [, other]) => other - one)
  return byCount.slice(0, POPULAR_IDS_MAX).map(([id]) => id)
}

/** Opens the streams of all and keeps the one that has a message first. */
async function openFirst(base: URL, ids: readonly string[]): Promise<Details> {
  const candidates = ids.map((id): Details => {
    const url = below(base, `/subscribe/details/${id}`)
    return { id, url, stream: new Stream(url, LIMIT_MS) }
  })
  const first = (): Details | undefined =>
    candidates.find(({ stream }) => stream.messages.length > 0)
  const isOver = (): boolean => candidates.every(({ stream }) => stream.closedAt > 0)
  const rule = `GET /subscribe/details/:id MUST send a message for one of ${ids.join(', ')}`
  try {
    await until(() => first() !== undefined || isOver(), rule, LIMIT_MS)
    return first() ?? assert.fail(`${rule}, but all were closed`)
  } finally {
    for (const { stream } of candidates) if (stream !== first()?.stream) stream.close()
  }
}

/** Further fields are free. */
function assertTweet(data: string): void {
  const tweet = JSON.parse(data) as Record<string, unknown>
  for (const name of ['id', 'text', 'screen_name', 'name', 'profile_image_url', 'created_at']) {
    assert.equal(typeof tweet[name], 'string', `${name} in ${data}`)
  }
  assert.ok(Array.isArray(tweet['links']), `links in ${data}`)
  assert.ok(Date.parse(tweet['created_at'] as string) > 0, `created_at in ${data}`)
}
