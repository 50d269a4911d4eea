// What happens when things go wrong under load: a shard dies, the process is stopped, a subscriber
// stalls, publishers flood. Each test holds what every subscriber got against what was answered 200.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { numbered, Publisher } from '../kit/publisher.ts'
import { post } from '../kit/raw.ts'
import { type Server, startServer } from '../kit/server.ts'
import { RawSubscriber } from '../kit/subscriber.ts'
import { until } from '../kit/until.ts'

const FAULT = new URL('../kit/fault.mjs', import.meta.url).href

async function subscribers(
  server: Server,
  count: number,
  path = '/events',
): Promise<RawSubscriber[]> {
  const all = Array.from({ length: count }, () => new RawSubscriber(server.port, path))
  return Promise.all(all.map((subscriber) => subscriber.opened()))
}

/** The bodies as subscribers get them from a server with --no-user-ip, in one order for all. */
function assertComplete(got: readonly string[], publishers: readonly Publisher[]): void {
  assert.equal(new Set(got).size, got.length, 'nothing twice')
  for (const { accepted, unanswered } of publishers) {
    const own = new Set([...accepted, ...unanswered])
    const seen = got.filter((event) => own.has(event) && !unanswered.includes(event))
    assert.deepEqual(seen, accepted, 'everything that was answered 200, in order')
  }
}

async function json(server: Server, path: string): Promise<Record<string, unknown>> {
  const response = await fetch(server.url + path)
  return (await response.json()) as Record<string, unknown>
}

describe('a shard that dies of an uncaught error under load', () => {
  it('costs only its own connections, and is back within 2 s', async () => {
    const begun = Date.now()
    const server = await startServer(['--threads', '3', '--no-user-ip'], {
      nodeFlags: ['--import', FAULT],
    })
    const startMs = Date.now() - begun
    const readers = await subscribers(server, 60)
    const publishers = Array.from({ length: 6 }, () => new Publisher(server.port))
    const runs = publishers.map((publisher, index) => publisher.run(numbered(index)))
    await readers[0]?.received(200)

    server.process.kill('SIGUSR2')
    await until(() => readers.some((reader) => reader.isClosed), 'the shard dies')
    const died = Date.now()
    await until(() => server.log.some((line) => line.includes('shard died')), 'it is logged')
    const isBack = async (): Promise<boolean> => (await json(server, '/health'))['threads'] === 3
    await until(isBack, 'it is back', 30_000)
    const backAfter = Date.now() - died
    // A busy machine takes as much longer for a shard as it does for a whole server.
    const most = Math.max(2000, 4 * startMs)
    assert.ok(backAfter < most, `back after ${backAfter} ms; the server started in ${startMs} ms`)

    // It is there a moment before it listens.
    const newcomers: RawSubscriber[] = []
    const takesSubscribers = async (): Promise<boolean> => {
      newcomers.push(...(await subscribers(server, 20)))
      const status = await json(server, '/admin/status.json')
      const rows = status['connections'] as { shard: number }[]
      return new Set(rows.map(({ shard }) => shard)).size === 3
    }
    await until(takesSubscribers, 'the new shard takes subscribers')
    const goal = (newcomers[0] as RawSubscriber).events.length + 100
    await Promise.all(newcomers.map((newcomer) => newcomer.received(goal)))
    for (const publisher of publishers) publisher.stop()
    await Promise.all(runs)

    const stayed = readers.filter((reader) => !reader.isClosed)
    assert.ok(stayed.length > 0 && stayed.length < readers.length)
    const total = publishers.reduce((sum, { accepted }) => sum + accepted.length, 0)
    await Promise.all(stayed.map((reader) => reader.received(total)))
    assertComplete((stayed[0] as RawSubscriber).events, publishers)
    for (const reader of stayed) assert.deepEqual(reader.events, stayed[0]?.events)
    for (const { refused } of publishers) assert.deepEqual([...refused], [], 'no publisher refused')
    for (const reader of [...readers, ...newcomers]) reader.close()
    assert.equal(await server.stop(), 0)
  })

  it('ends the process with a message when it dies again and again', async () => {
    const server = await startServer(['--threads', '2', '--shard-restarts-max', '1'], {
      nodeFlags: ['--import', FAULT],
    })
    const deaths = (): number => server.log.filter((line) => line.includes('shard died')).length
    server.process.kill('SIGUSR2')
    await until(() => deaths() === 1, 'it dies')
    // A count of threads may be that from before the death. A subscriber on the shard is a sign of its life.
    const newcomers: RawSubscriber[] = []
    const isBack = async (): Promise<boolean> => {
      newcomers.push(...(await subscribers(server, 1)))
      const status = await json(server, '/admin/status.json')
      return (status['connections'] as { shard: number }[]).some(({ shard }) => shard === 1)
    }
    await until(isBack, 'it is back', 30_000)
    server.process.kill('SIGUSR2')
    assert.equal(await server.ended, 1)
    assert.equal(deaths(), 2)
    const words = server.log.find((line) => line.startsWith('carillon: '))
    assert.match(words ?? '', /^carillon: shard 1 died: fault injected by a test$/)
    for (const newcomer of newcomers) newcomer.close()
  })
})

describe('SIGTERM under load', () => {
  it('delivers every event that was answered 200, says when to come back, exits 0', async () => {
    const args = [
      '--threads',
      '2',
      '--no-user-ip',
      '--drain-seconds',
      '30',
      '--reconnect-ms',
      '700',
    ]
    const server = await startServer(args)
    const readers = await subscribers(server, 100)
    const publishers = Array.from({ length: 4 }, () => new Publisher(server.port))
    const runs = publishers.map((publisher, index) => publisher.run(numbered(index)))
    await readers[0]?.received(300)
    const begun = Date.now()
    assert.equal(await server.stop(), 0)
    assert.ok(Date.now() - begun < 30_000, 'within the drain time')
    for (const publisher of publishers) publisher.stop()
    await Promise.all(runs)
    await until(() => readers.every((reader) => reader.isClosed), 'all streams are closed')

    assertComplete((readers[0] as RawSubscriber).events, publishers)
    for (const reader of readers) {
      assert.deepEqual(reader.events, readers[0]?.events)
      const retry = Number(/\nretry: (\d+)\n\n$/.exec(reader.text)?.[1])
      assert.ok(retry >= 700 && retry <= 1400, `retry ${retry}`)
    }
    for (const { refusals } of publishers) {
      for (const head of refusals) assert.match(head, /^HTTP\/1.1 503 .*\r\nRetry-After: 1\r\n/s)
    }
  })

  it('turns /ready to 503 and refuses events while a slow subscriber is waited for', async () => {
    const server = await startServer(['--threads', '1', '--drain-seconds', '3'])
    const reader = new RawSubscriber(server.port)
    await reader.opened()
    reader.socket.pause()
    const publisher = new Publisher(server.port)
    // More than loopback's socket buffers hold, so that the subscriber has something to wait for.
    let left = 100
    await publisher.run(() =>
      left-- > 0 ? JSON.stringify('x'.repeat(100_000)).replace(/.*/, '{"x":$&}') : undefined,
    )
    const late = new Publisher(server.port)
    const answers = late.run(() => '{}')
    await until(() => late.accepted.length > 0, 'a connection is open')
    const stopped = server.stop()
    await until(() => late.refused.has(503), 'events are refused')
    late.stop()
    await answers
    assert.match(late.refusals[0] ?? '', /Retry-After: 1\r\n/)
    assert.match(late.refusals[0] ?? '', /Connection: close/)
    reader.socket.resume()
    assert.equal(await stopped, 0)
    // The kernel may still hold some of it when the server has ended.
    await until(() => reader.isClosed, 'all is read')
    assert.equal(reader.events.length, publisher.accepted.length + late.accepted.length)
  })
})

describe('a subscriber that never reads', () => {
  it('among 100 is closed within its limits and named, and holds up nobody', async () => {
    // Not by time: on a busy machine the readers of this process may be late, too.
    const limits = ['--lag-bytes-max', '2097152', '--lag-seconds-max', '60']
    const server = await startServer(['--threads', '2', '--no-user-ip', ...limits])
    const readers = await subscribers(server, 99)
    const stalled = new RawSubscriber(server.port, '/events', 'User-Agent: sleeper\r\n')
    await stalled.opened()
    stalled.socket.pause()
    const publisher = new Publisher(server.port)
    let count = 0
    const padding = 'x'.repeat(64 * 1024)
    const slowLine = (): string | undefined => server.log.find((line) => line.includes('slow'))
    await publisher.run(() => {
      if (count === 400 || slowLine() !== undefined) return undefined
      return JSON.stringify({ count: count++, padding })
    })
    await until(() => slowLine() !== undefined, 'it is closed')
    const { reason, userAgent, topic, address } = JSON.parse(slowLine() as string)
    assert.deepEqual(
      [reason, userAgent, topic, address],
      ['lag_bytes', 'sleeper', '/events', '127.0.0.1'],
    )
    const total = publisher.accepted.length
    await Promise.all(readers.map((reader) => reader.received(total, 60_000)))
    for (const reader of readers) assert.deepEqual(reader.events, publisher.accepted)
    // Figures of other shards are up to a second old.
    const isCounted = async (): Promise<boolean> => {
      const { connections, subscribers_closed_slow } = await json(server, '/admin/status.json')
      return (connections as unknown[]).length === 99 && subscribers_closed_slow === 1
    }
    await until(isCounted, 'the status counts it, and has the others')
    for (const reader of [...readers, stalled]) reader.close()
    assert.equal(await server.stop(), 0)
  })
})

describe('a flood of large events to many subscribers', () => {
  it('is answered 503, keeps memory bounded, and loses nothing that was answered 200', async () => {
    // Each event is larger than the backlog may be: how fast the machine is does not matter.
    const limits = ['--backlog-bytes-max', '262144', '--lag-bytes-max', '134217728']
    const server = await startServer(['--threads', '1', '--no-user-ip', ...limits])
    const readers = await subscribers(server, 100)
    const publishers = Array.from({ length: 8 }, () => new Publisher(server.port))
    const ends = Date.now() + 4000
    const runs = publishers.map((publisher, index) => {
      const body = numbered(index, 'x'.repeat(256 * 1024))
      return publisher.run(() => (Date.now() < ends ? body() : undefined))
    })
    let peakMiB = 0
    const watch = setInterval(async () => {
      const { sys } = await json(server, '/health')
      peakMiB = Math.max(peakMiB, Number.parseInt(sys as string, 10))
    }, 100)
    await Promise.all(runs)
    const total = publishers.reduce((sum, { accepted }) => sum + accepted.length, 0)
    await Promise.all(readers.map((reader) => reader.received(total, 60_000)))
    clearInterval(watch)
    const refused = publishers.reduce((sum, { refused }) => sum + (refused.get(503) ?? 0), 0)
    assert.ok(refused > 0, 'publishers were told to wait')
    assert.match(publishers.flatMap(({ refusals }) => refusals)[0] ?? '', /Retry-After: 1\r\n/)
    assert.ok(peakMiB < 700, `resident memory ${peakMiB} MiB`)
    for (const reader of readers) assert.deepEqual(reader.events, readers[0]?.events)
    assertComplete((readers[0] as RawSubscriber).events, publishers)
    await until(
      async () => (await fetch(`${server.url}/api/events`, { method: 'POST', body: '{}' })).ok,
      'publishing is open again',
    )
    for (const reader of readers) reader.close()
    assert.equal(await server.stop(), 0)
  })
})

describe('clients that reset the connection right after their request', () => {
  it('kill no shard: their address is gone before it can be asked for', async () => {
    const server = await startServer(['--threads', '1'])
    const requests = ['GET /events HTTP/1.1\r\nHost: test\r\n\r\n', post('/api/events', '{}')]
    for (let round = 0; round < 20; round++) {
      const sockets = Array.from({ length: 50 }, () => connect(server.port, '127.0.0.1'))
      await Promise.all(sockets.map((socket) => once(socket, 'connect')))
      for (const socket of sockets) {
        socket.write(requests[round % 2] as string | Buffer)
        socket.resetAndDestroy()
      }
    }
    assert.equal((await json(server, '/health'))['message'], 'PONG')
    assert.equal(await server.stop(), 0)
    assert.deepEqual(
      server.log.filter((line) => line.includes('died')),
      [],
    )
  })
})

describe('500 subscribers that leave at the same instant', () => {
  it('20 times while publishing, cost nobody else anything', async () => {
    const server = await startServer(['--threads', '2', '--no-user-ip'])
    const [witness] = await subscribers(server, 1)
    const publisher = new Publisher(server.port)
    const run = publisher.run(numbered(0))
    for (let round = 0; round < 20; round++) {
      const crowd = await subscribers(server, 500)
      for (const reader of crowd) reader.close()
    }
    publisher.stop()
    await run
    await witness?.received(publisher.accepted.length)
    assert.deepEqual(witness?.events, publisher.accepted)
    await until(
      async () => (await json(server, '/health'))['subscribers'] === 1,
      'only the witness is left',
    )
    assert.deepEqual(
      server.log.filter((line) => !line.includes('"level":30')),
      [],
    )
    witness?.close()
    assert.equal(await server.stop(), 0)
  })
})
