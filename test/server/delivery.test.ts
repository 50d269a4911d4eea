// Every event that was accepted reaches every subscriber exactly once, and in one order for all of
// them, whichever shard took the event in and whichever shard the subscriber is on.
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { Publisher } from '../kit/publisher.ts'
import { exchange, post } from '../kit/raw.ts'
import { type Server, startServer } from '../kit/server.ts'
import { RawSubscriber } from '../kit/subscriber.ts'
import { until } from '../kit/until.ts'

interface Status {
  readonly connections: readonly { readonly shard: number }[]
}

async function start(t: TestContext, ...args: string[]): Promise<Server> {
  const server = await startServer(['--no-user-ip', ...args])
  t.after(() => server.stop())
  return server
}

async function subscribers(t: TestContext, port: number, count: number): Promise<RawSubscriber[]> {
  const all = Array.from({ length: count }, () => new RawSubscriber(port))
  t.after(() => {
    for (const subscriber of all) subscriber.close()
  })
  return Promise.all(all.map((subscriber) => subscriber.opened()))
}

/** How many subscribers each shard has, by the shard's number. */
async function spread(server: Server): Promise<number[]> {
  const response = await fetch(`${server.url}/admin/status.json`)
  const { connections } = (await response.json()) as Status
  const counts: number[] = []
  for (const { shard } of connections) counts[shard] = (counts[shard] ?? 0) + 1
  return counts
}

/** Publishers with a connection each, at the same time. @returns what each published */
async function publish(port: number, publishers: number, eventsEach: number): Promise<string[][]> {
  const runs = Array.from({ length: publishers }, async (_, publisher) => {
    let count = 0
    const connection = new Publisher(port)
    await connection.run(() =>
      count < eventsEach ? JSON.stringify({ publisher, count: count++ }) : undefined,
    )
    assert.equal(connection.accepted.length, eventsEach, 'each event is answered 200')
    return connection.accepted
  })
  return Promise.all(runs)
}

interface Load {
  readonly threads: number
  readonly publishers: number
  readonly eventsEach: number
  readonly readers: number
}

async function assertDelivery(server: Server, readers: RawSubscriber[], load: Load): Promise<void> {
  const { threads, publishers, eventsEach } = load
  const counts = await spread(server)
  assert.equal(counts.filter((count) => count > 0).length, threads, `spread: ${counts.join()}`)
  assert.equal(
    counts.reduce((sum, count) => sum + count, 0),
    readers.length,
  )

  const published = await publish(server.port, publishers, eventsEach)
  const total = publishers * eventsEach
  const haveAll = () => readers.every(({ events }) => events.length >= total)
  await until(haveAll, `${total} events for everyone`, 30_000)
  // What came twice, or too late, stands before or after this one.
  const last = '{"last":true}'
  const answer = await exchange(server.port, [post('/api/events', last)])
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/)
  await Promise.all(readers.map((reader) => reader.received(total + 1)))

  const [first, ...others] = readers as [RawSubscriber, ...RawSubscriber[]]
  assert.equal(first.events.indexOf(last), total, 'nothing twice, nothing lost')
  assert.equal(first.events.length, total + 1)
  for (const [publisher, own] of published.entries()) {
    const mark = `{"publisher":${publisher},`
    assert.deepEqual(
      first.events.filter((event) => event.startsWith(mark)),
      own,
      `the events of publisher ${publisher}, in its order`,
    )
  }
  const order = first.events.join('\n')
  for (const [index, { events }] of others.entries()) {
    assert.ok(events.join('\n') === order, `subscriber ${index + 1} has the order of the first`)
  }
}

function describeLoad({ publishers, eventsEach, readers }: Load): string {
  const events = (publishers * eventsEach).toLocaleString('en')
  return `takes ${events} events of ${publishers} publishers to ${readers} subscribers`
}

const large = { publishers: 8, eventsEach: 375, readers: 300 }
const small = { publishers: 6, eventsEach: 50, readers: 30 }

const setups: readonly (readonly [name: string, load: Load, args: readonly string[]])[] = [
  ['one shard', { ...large, threads: 1 }, ['--threads', '1']],
  ['three shards', { ...large, threads: 3 }, ['--threads', '3']],
  [
    'three shards that are handed their connections',
    { ...small, threads: 3 },
    ['--threads', '3', '--port-sharing', 'handover'],
  ],
]

for (const [name, load, args] of setups) {
  describe(name, () => {
    it(describeLoad(load), async (t) => {
      const server = await start(t, ...args)
      const readers = await subscribers(t, server.port, load.readers)
      await assertDelivery(server, readers, load)
    })
  })
}

describe('requests that follow each other without waiting', () => {
  it('are events in that order, on every shard', async (t) => {
    const server = await start(t, '--threads', '3')
    const readers = await subscribers(t, server.port, 30)
    const bodies = Array.from({ length: 500 }, (_, count) => JSON.stringify({ count }))
    const requests = Buffer.concat(bodies.map((body) => post('/api/events', body)))
    const answers = await exchange(server.port, [requests], bodies.length)
    assert.equal(answers.match(/HTTP\/1\.1 200 OK/g)?.length, bodies.length)
    await Promise.all(readers.map((reader) => reader.received(bodies.length)))
    for (const { events } of readers) assert.deepEqual(events, bodies)
  })
})
