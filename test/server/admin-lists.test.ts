// What the admin page's tables read: connections, topics and laggards of all shards, filtered, sorted
// and cut on the server.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { parseListing } from '../../src/ops/listing.ts'
import { topicList, topicListing } from '../../src/ops/topic-list.ts'
import { exchange } from '../kit/raw.ts'
import { type Server, startServer } from '../kit/server.ts'
import { RawSubscriber } from '../kit/subscriber.ts'
import { until } from '../kit/until.ts'

interface Connections {
  readonly total: number
  readonly matched: number
  readonly offset: number
  readonly limit: number
  readonly shards_missing: readonly number[]
  readonly connections: readonly Record<string, string | number>[]
}

interface Topics extends Omit<Connections, 'connections'> {
  readonly topics: readonly {
    readonly topic: string
    readonly subscribers: number
    readonly events_per_second: number
    readonly deliveries_per_second: number
  }[]
}

async function read<T>(server: Server, path: string): Promise<T> {
  const response = await fetch(`${server.url}/admin/${path}`)
  assert.equal(response.status, 200, path)
  assert.equal(response.headers.get('content-type'), 'application/json')
  assert.equal(response.headers.get('x-content-type-options'), 'nosniff')
  return (await response.json()) as T
}

/** Three topics, 40, 20 and 10 subscribers; each has an address and an agent of its own. */
const CROWD = [
  ['/subscribe/pets', 40],
  ['/subscribe/pets/dogs', 20],
  ['/subscribe/Weather%20Report', 10],
] as const
const ALL = 70

describe('the lists of the admin page', () => {
  let server: Server
  const streams: RawSubscriber[] = []

  before(async () => {
    server = await startServer(['--threads', '2'])
    for (const [path, count] of CROWD) {
      for (let number = 0; number < count; number++) {
        const client = streams.length
        const headers = `X-Forwarded-For: 192.0.2.${client}\r\nUser-Agent: Player/${client % 7}\r\n`
        streams.push(await new RawSubscriber(server.port, path, headers).opened())
      }
    }
  })

  after(async () => {
    for (const stream of streams) stream.close()
    await server?.stop()
  })

  it('have every connection of every shard once, oldest first, a page after the other', async () => {
    const seen: Record<string, string | number>[] = []
    for (let offset = 0; offset < ALL; offset += 30) {
      const page = await read<Connections>(server, `connections.json?offset=${offset}&limit=30`)
      assert.deepEqual([page.total, page.matched, page.offset], [ALL, ALL, offset])
      assert.deepEqual(page.shards_missing, [])
      assert.equal(page.connections.length, Math.min(30, ALL - offset))
      seen.push(...page.connections)
    }
    assert.equal(new Set(seen.map((row) => row['client_ip'])).size, ALL)
    assert.deepEqual(new Set(seen.map(({ shard }) => shard)), new Set([0, 1]))
    const times = seen.map((row) => row['created_at'] as number)
    assert.deepEqual(times, times.toSorted())
    const first = seen.find((row) => row['client_ip'] === '192.0.2.69')
    assert.deepEqual(Object.keys(first ?? {}), [
      'request_path',
      'namespace',
      'created_at',
      'client_ip',
      'user_agent',
      'msgs_sent',
      'lag_bytes',
      'msgs_skipped',
      'shard',
    ])
    assert.equal(first?.['namespace'], '/Weather Report')
    assert.equal(first?.['request_path'], '/subscribe/Weather%20Report')
    const past = await read<Connections>(server, `connections.json?offset=${ALL}`)
    assert.deepEqual([past.matched, past.connections], [ALL, []])
  })

  it('have those that have a text, in address, agent, topic or path, in either case', async () => {
    const found = async (text: string): Promise<number> =>
      (await read<Connections>(server, `connections.json?q=${encodeURIComponent(text)}`)).matched
    assert.equal(await found('192.0.2.6'), 11)
    assert.equal(await found('PLAYER/3'), 10)
    assert.equal(await found('/pets/dogs'), 20)
    assert.equal(await found('weather r'), 10)
    assert.equal(await found('Weather%20R'), 10)
    assert.equal(await found('nobody'), 0)
  })

  it('sort connections by every column, both ways', async () => {
    const publish = await fetch(`${server.url}/publish/pets/dogs`, { method: 'POST', body: 'woof' })
    assert.equal(publish.status, 200)
    await until(async () => {
      const page = await read<Connections>(
        server,
        'connections.json?sort=msgs_sent&order=desc&limit=60',
      )
      return page.connections.every((row) => row['msgs_sent'] === 1)
    }, '60 have the event')
    for (const sort of ['client_ip', 'user_agent', 'namespace', 'msgs_sent', 'lag_bytes']) {
      for (const order of ['asc', 'desc']) {
        const query = `connections.json?sort=${sort}&order=${order}&limit=${ALL}`
        const { connections } = await read<Connections>(server, query)
        const values = connections.map((row) => row[sort] as number | string)
        const sign = order === 'asc' ? 1 : -1
        const isSorted = values.every((value, row) => {
          const next = values[row + 1]
          return next === undefined || value === next || (value < next ? 1 : -1) === sign
        })
        assert.ok(isSorted, `${query}: ${values.join(' ')}`)
        assert.equal(values.length, ALL)
      }
    }
  })

  it('have every topic with its subscribers on all shards, and how fast it is', async (t) => {
    let isOver = false
    t.after(() => {
      isOver = true
    })
    const publishing = (async () => {
      while (!isOver) {
        await fetch(`${server.url}/publish/pets/dogs`, { method: 'POST', body: 'woof' })
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    })()
    let page: Topics | undefined
    await until(async () => {
      page = await read<Topics>(server, 'topics.json?sort=topic&order=asc')
      return (page.topics[1]?.deliveries_per_second ?? 0) > 20 * 40
    }, 'its rate, on every shard')
    isOver = true
    await publishing
    const [weather, pets, dogs] = page?.topics ?? []
    assert.deepEqual([weather?.topic, weather?.subscribers], ['/Weather Report', 10])
    assert.deepEqual([pets?.topic, pets?.subscribers], ['/pets', 40])
    assert.deepEqual([dogs?.topic, dogs?.subscribers], ['/pets/dogs', 20])
    assert.equal(weather?.events_per_second, 0)
    // What is published below counts for the topic above; there is no more than one each 10 ms.
    const rate = pets?.events_per_second ?? 0
    assert.ok(rate <= 110, `${rate}`)
    const perSubscriber = (pets?.deliveries_per_second ?? 0) / 40
    assert.ok(perSubscriber > 20 && perSubscriber <= rate + 0.1, `${perSubscriber} of ${rate}`)
    const bySize = await read<Topics>(server, 'topics.json?q=pets&limit=1')
    assert.deepEqual([bySize.total, bySize.matched, bySize.topics.length], [3, 2, 1])
    assert.equal(bySize.topics[0]?.topic, '/pets')
  })

  it('say what is wrong with a query', async () => {
    for (const path of ['connections.json?limit=501', 'topics.json?sort=client_ip']) {
      const response = await fetch(`${server.url}/admin/${path}`)
      assert.equal(response.status, 400)
      const problem = (await response.json()) as { code: string; detail: string }
      assert.equal(problem.code, 'invalid_query')
      assert.match(
        problem.detail,
        /^(limit is an integer from 1 to 500|sort is one of sub.*topic)$/,
      )
    }
  })

  it('answer a HEAD without a body', async () => {
    for (const path of ['connections.json', 'topics.json', 'slow.json', 'events']) {
      const head = `HEAD /admin/${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`
      const next = 'GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n'
      // A body would be taken for the beginning of the next answer.
      const answers = (await exchange(server.port, [head, head, next])).split('\r\n\r\n')
      assert.equal(answers.length, 4, path)
      assert.match(answers.pop() ?? '', /^\{"ready":true/)
      for (const answer of answers) assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/)
    }
  })
})

describe('the list of topics', () => {
  it('adds up what shards have of a topic, each at a moment of its own', () => {
    const listing = parseListing('sort=events_per_second', topicListing)
    assert.ok(typeof listing !== 'string')
    const row = (topic: string, subscribers: number, eventsPerSecond: number) => {
      return { topic, subscribers, eventsPerSecond }
    }
    const part = (shard: number, ...rows: ReturnType<typeof row>[]) => {
      return { kind: 'topics', shard, last: true, rows } as const
    }
    const parts = new Map([
      [0, [part(0, row('/b', 2, 50), row('/a', 1, 10))]],
      [1, [part(1, row('/a', 3, 12))]],
    ])
    const { topics, ...rest } = JSON.parse(
      topicList(listing, { parts, missing: [2], state: undefined }),
    )
    assert.deepEqual(rest, { total: 2, matched: 2, offset: 0, limit: 50, shards_missing: [2] })
    assert.deepEqual(topics, [
      { topic: '/b', subscribers: 2, events_per_second: 50, deliveries_per_second: 100 },
      { topic: '/a', subscribers: 4, events_per_second: 12, deliveries_per_second: 46 },
    ])
  })
})
