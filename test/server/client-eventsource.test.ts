// What the npm package `eventsource` makes of our streams: each field of an event, every kind of
// text, and that it comes back by itself, when the server says, after the server was replaced.
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { EventSource, type FetchLike } from 'eventsource'
import { freePort } from '../../scripts/free-port.ts'
import { Connection } from '../kit/connection.ts'
import { post } from '../kit/raw.ts'
import { type Server, sharedServer, startServer } from '../kit/server.ts'
import { RawSubscriber } from '../kit/subscriber.ts'
import { until } from '../kit/until.ts'

const ARGS = ['--threads', '1']

interface Got {
  readonly type: string
  readonly data: string
  readonly lastEventId: string
}

interface Reader {
  readonly source: EventSource
  readonly got: Got[]
  /** When each connection was tried, and when each was lost: performance.now(). */
  readonly triedAt: number[]
  readonly lostAt: number[]
}

/** An EventSource that is open, and what it gets: unnamed events and those of these names. */
async function read(t: TestContext, url: string, ...names: string[]): Promise<Reader> {
  const triedAt: number[] = []
  const timedFetch: FetchLike = (input, init) => {
    triedAt.push(performance.now())
    return fetch(input, init)
  }
  const source = new EventSource(url, { fetch: timedFetch })
  t.after(() => source.close())
  const reader: Reader = { source, got: [], triedAt, lostAt: [] }
  for (const name of ['message', ...names]) {
    source.addEventListener(name, ({ type, data, lastEventId }) => {
      reader.got.push({ type, data, lastEventId })
    })
  }
  source.addEventListener('error', () => reader.lostAt.push(performance.now()))
  await isOpen(reader)
  return reader
}

function isOpen({ source }: Reader): Promise<void> {
  return until(() => source.readyState === source.OPEN, 'the EventSource is open')
}

/** One of the test's own, to be stopped. */
async function start(t: TestContext, ...args: string[]): Promise<Server> {
  const server = await startServer(args)
  t.after(() => server.stop())
  return server
}

async function publish(server: Server, path: string, body: string): Promise<void> {
  const response = await fetch(server.url + path, { method: 'POST', body })
  assert.equal(response.status, 200, await response.text())
}

/** The bytes that the one subscriber of a topic has not taken. */
async function lagOf(server: Server, topic: string): Promise<number> {
  const response = await fetch(`${server.url}/admin/status.json`)
  const { connections } = (await response.json()) as {
    connections: { namespace: string; lag_bytes: number }[]
  }
  return connections.find(({ namespace }) => namespace === topic)?.lag_bytes ?? 0
}

/** Publishes each text as one event, and holds what arrives against it. */
async function assertArrive(t: TestContext, texts: readonly string[]): Promise<void> {
  const server = await sharedServer(ARGS)
  const topic = `texts/${++topics}`
  const reader = await read(t, `${server.url}/subscribe/${topic}`)
  for (const text of texts) await publish(server, `/publish/${topic}`, text)
  await until(() => reader.got.length >= texts.length, 'the texts arrive')
  assert.deepEqual(
    reader.got.map(({ data }) => data),
    texts,
  )
}

/** Each list of texts has a topic of its own. */
let topics = 0

// Some wait for seconds.
describe('npm eventsource', { concurrency: true }, () => {
  it('gets on /events the objects posted to /api/events', async (t) => {
    const server = await sharedServer(ARGS)
    const reader = await read(t, `${server.url}/events`)
    await publish(server, '/api/events', '{"hello":"world"}')
    await publish(server, '/api/events', '{"n":12345678901234567890}')
    await until(() => reader.got.length >= 2, 'both events')
    assert.deepEqual(
      reader.got.map(({ type, data }) => [type, data]),
      [
        ['message', '{"hello":"world","user_ip":"127.0.0.1"}'],
        ['message', '{"n":12345678901234567890,"user_ip":"127.0.0.1"}'],
      ],
    )
  })

  it('gets the name and the id of an event', async (t) => {
    const server = await sharedServer(ARGS)
    const reader = await read(t, `${server.url}/subscribe/pets`, 'meow', 'größe 🐶')
    await publish(server, '/publish/pets/cats?event=meow&id=7', 'first')
    await publish(server, '/publish/pets/dogs', 'second')
    const named = new URLSearchParams({ event: 'größe 🐶', id: 'ä 8' })
    await publish(server, `/publish/pets/dogs?${named}`, 'third')
    await until(() => reader.got.length >= 3, 'three events')
    assert.deepEqual(reader.got, [
      { type: 'meow', data: 'first', lastEventId: '7' },
      // A browser keeps the id until another comes; this package has it only where it was given.
      { type: 'message', data: 'second', lastEventId: '' },
      { type: 'größe 🐶', data: 'third', lastEventId: 'ä 8' },
    ])
  })

  it('gets several lines of data, however they end', async (t) => {
    const server = await sharedServer(ARGS)
    const reader = await read(t, `${server.url}/subscribe/lines`)
    await publish(server, '/publish/lines', 'one\ntwo\r\nthree\rfour')
    await publish(server, '/publish/lines', '\n\nevent: not a name\n\ndata: not a field\n')
    await until(() => reader.got.length >= 2, 'both events')
    assert.deepEqual(
      reader.got.map(({ type, data }) => [type, data]),
      [
        ['message', 'one\ntwo\nthree\nfour'],
        ['message', '\n\nevent: not a name\n\ndata: not a field\n'],
      ],
    )
  })

  it('gets data as it was published: spaces, colons, nothing', (t) =>
    assertArrive(t, [
      ' one space',
      '  two spaces ',
      '\ttab',
      ' \n  \n   ',
      ': colon',
      ':',
      ' ',
      '',
    ]))

  it('gets Unicode as it was published', (t) =>
    assertArrive(t, [
      '👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇨🇭 1️⃣',
      'שלום עולם و مرحبا بالعالم \u202eover\u202c',
      'e\u0301 é ﬁ 𝒳 \u{10ffff}',
      '\ufeffbyte order mark',
      'no line ends: \u2028 \u2029 \u0085 \u000b \u000c',
    ]))

  it('gets an event of many writes whole, though they cut characters in two', (t) =>
    assertArrive(t, ['🚀'.repeat(100_000), 'after it']))

  it('waits as long as an event said by retry before it connects again', async (t) => {
    const server = await start(t, ...ARGS)
    const reader = await read(t, `${server.url}/subscribe/any`)
    await publish(server, '/publish/any?retry=3600', 'come back')
    await until(() => reader.got.length === 1, 'the event')
    // Killed, it cannot say anything else.
    server.process.kill('SIGKILL')
    await until(() => reader.triedAt.length >= 2, 'it tries again', 30_000)
    assertWaited(reader, 3600)
  })

  it('comes back by itself, when the closing server said, to the next one', async (t) => {
    const port = ['--port', `${await freePort()}`]
    const args = ['--reconnect-ms', '3400', '--threads', '2', ...port]
    const first = await start(t, ...args)
    const reader = await read(t, `${first.url}/subscribe/news`)
    await publish(first, '/publish/news', 'before')
    assert.equal(await first.stop(), 0)

    const second = await start(t, ...args)
    // It waits for up to twice the time.
    await until(() => reader.triedAt.length >= 2, 'it tries again', 30_000)
    await isOpen(reader)
    await publish(second, '/publish/news', 'after')
    await until(() => reader.got.length >= 2, 'an event of the next server')
    assert.deepEqual(
      reader.got.map(({ data }) => data),
      ['before', 'after'],
    )
    assertWaited(reader, 3400)
  })

  it('does not give up when it comes back while the server is still closing', async (t) => {
    const port = ['--port', `${await freePort()}`]
    const args = ['--reconnect-ms', '50', '--threads', '1', '--drain-seconds', '60', ...port]
    const first = await start(t, ...args)
    const reader = await read(t, `${first.url}/subscribe/news`)
    // One that does not read keeps the server from its end, for up to a minute.
    const stalled = await new RawSubscriber(first.port, '/subscribe/large').opened()
    stalled.socket.pause()
    const publisher = new Connection(first.port)
    for (let count = 1; count <= 8; count++) {
      await publisher.send(post('/publish/large', 'x'.repeat(1_000_000)))
      assert.equal((await publisher.answered(count)).at(-1)?.status, 200)
    }
    publisher.close()
    await until(async () => (await lagOf(first, '/large')) > 0, 'it lags')
    // The client keeps this connection, and uses it for the stream when it connects again.
    await publish(first, '/publish/news', 'before')
    const stopped = first.stop()
    await until(() => reader.triedAt.length >= 2, 'it tries again')
    // It has had an answer when it tries once more.
    await until(() => reader.triedAt.length >= 3, 'it has not given up')
    assert.equal(first.process.exitCode, null, 'the server is still closing')
    stalled.socket.resume()
    assert.equal(await stopped, 0)
    await until(() => reader.source.readyState !== reader.source.OPEN, 'it sees the end')
    const second = await start(t, ...args)
    await isOpen(reader)
    await publish(second, '/publish/news', 'after')
    await until(() => reader.got.length >= 2, 'an event of the next server')
  })
})

/** By itself the client waits 3 s. It was told more, which no busy machine makes shorter. */
function assertWaited({ triedAt, lostAt }: Reader, msMin: number): void {
  const waited = (triedAt[1] as number) - (lostAt[0] as number)
  // Node's timers count whole milliseconds, and so may fire up to one early.
  assert.ok(waited >= msMin - 1, `waited ${waited} ms`)
}
