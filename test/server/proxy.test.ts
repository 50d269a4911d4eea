// nginx and Caddy in front, as deploy/ configures them: HTTP/2 over TLS, events at once, the client's
// address and not what it claims, large streams, many on one connection, and a clean end.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { H2Client } from '../kit/h2.ts'
import { type Lifetime, startProgram } from '../kit/program.ts'
import { caddy, type FrontProxy, HOST, nginx, type ProxyKind, startProxy } from '../kit/proxy.ts'
import { type Server, startServer } from '../kit/server.ts'
import { Stream } from '../kit/stream.ts'
import { RawSubscriber } from '../kit/subscriber.ts'
import { until } from '../kit/until.ts'

/** The client's own address, which is not that of the proxy. */
const CLIENT = '127.0.0.2'
const SPOOFED = { 'x-forwarded-for': '203.0.113.9', 'x-real-ip': '203.0.113.9' }

interface Behind {
  readonly server: Server
  readonly proxy: FrontProxy
}

/** For several tests, or for one that stops it. */
async function start(t: Lifetime, kind: ProxyKind): Promise<Behind> {
  const server = await startServer(['--threads', '2'])
  t.after(() => server.stop())
  return { server, proxy: await startProxy(t, kind, server.port) }
}

/** Straight to the server, as a program of its machine. */
async function publish(server: Server, topic: string, body: string): Promise<void> {
  const response = await fetch(`${server.url}/publish/${topic}`, { method: 'POST', body })
  assert.equal(response.status, 200, await response.text())
}

function sumOf(texts: readonly string[]): string {
  const sum = createHash('sha256')
  for (const text of texts) sum.update(text)
  return sum.digest('hex')
}

for (const kind of [nginx, caddy]) {
  describe(`${kind.name} in front, by HTTP/2`, () => {
    const ends: (() => unknown)[] = []
    let shared: Behind

    before(async () => {
      shared = await start({ after: (end) => ends.push(end) }, kind)
    })

    after(async () => {
      for (const end of ends) await end()
    })

    it('passes on each event when it comes, and the head before any', async (t) => {
      const { server, proxy } = shared
      const stream = new H2Client(t, proxy, CLIENT).subscribe('/subscribe/pets')
      await until(() => stream.status === 200, 'the head')
      assert.equal(stream.contentType, 'text/event-stream; charset=utf-8')
      const direct = await new RawSubscriber(server.port, '/subscribe/pets').opened()
      const later: number[] = []
      for (let count = 1; count <= 50; count++) {
        await publish(server, 'pets/dogs', `woof ${count}`)
        await direct.received(count)
        const before = performance.now()
        // The next is not published before this one is here: a buffer would hold it for ever.
        await until(() => stream.events.length === count, `event ${count}`)
        later.push(performance.now() - before)
      }
      direct.close()
      assert.deepEqual([stream.events[0], stream.events[49]], ['woof 1', 'woof 50'])
      // Later than to a subscriber without the proxy: a timer of the proxy would hold each of them back.
      const median = later.toSorted((a, b) => a - b)[25] as number
      assert.ok(median < 100, `held back for ${median} ms`)
    })

    it('tells the client by its address, whatever it claims, and lets it do no more', async (t) => {
      const { server, proxy } = shared
      const client = new H2Client(t, proxy, CLIENT)
      const stream = client.subscribe('/events', SPOOFED)
      await until(() => stream.status === 200, 'the head')
      assert.equal((await client.post('/api/events', '{"n":1}', SPOOFED)).status, 200)
      await until(() => stream.events.length > 0, 'the event')
      assert.deepEqual(stream.events, [`{"n":1,"user_ip":"${CLIENT}"}`])
      const response = await fetch(`${server.url}/admin/status.json`)
      const { connections } = (await response.json()) as {
        connections: { client_ip: string; namespace: string }[]
      }
      // No other test that shares the server reads /events.
      const own = connections.filter(({ namespace }) => namespace === '/events')
      assert.deepEqual(
        own.map(({ client_ip }) => client_ip),
        [CLIENT],
      )
      assert.equal((await client.get('/admin/status.json')).status, 403)
      assert.equal((await client.post('/publish/pets', 'woof')).status, 403)
    })

    it('carries 32 MiB in events of 256 KiB, as a stream without a proxy', async (t) => {
      const { server, proxy } = shared
      const direct = new Stream(new URL('/subscribe/large', server.url), 10_000)
      const stream = new H2Client(t, proxy, CLIENT).subscribe('/subscribe/large')
      await direct.opened
      await until(() => stream.status === 200, 'the head')
      for (let count = 0; count < 128; count++) {
        await publish(server, 'large', `${count} `.repeat(256 * 1024).slice(0, 256 * 1024))
        // A reader that is slower than this machine publishes is no matter of the proxy.
        await until(() => stream.events.length > count - 8, `event ${count - 8}`)
      }
      await until(() => stream.events.length === 128, 'all events')
      await direct.received(128, 10_000)
      assert.equal(sumOf(stream.events), sumOf(direct.messages.map(({ data }) => data)))
    })

    it('takes a body of bodyBytesMax, and no larger one', async (t) => {
      const { proxy } = shared
      const client = new H2Client(t, proxy, CLIENT)
      const text = 'x'.repeat(1024 * 1024 - '{"a":""}'.length)
      assert.equal((await client.post('/api/events', `{"a":"${text}"}`)).status, 200)
      assert.equal((await client.post('/api/events', `{"a":"${text}x"}`)).status, 413)
    })

    it('has 200 streams on one connection', async (t) => {
      const { server, proxy } = shared
      const client = new H2Client(t, proxy, CLIENT)
      const streams = Array.from({ length: 200 }, () => client.subscribe('/subscribe/crowd'))
      await until(() => streams.every(({ status }) => status === 200), 'all heads')
      await publish(server, 'crowd', 'woof')
      await until(() => streams.every(({ events }) => events.length === 1), 'all events')
    })

    it('ends a stream as the server does, for Node and for curl', async (t) => {
      const { server, proxy } = await start(t, kind)
      const stream = new H2Client(t, proxy, CLIENT).subscribe('/events')
      const address = `https://${HOST}:${proxy.port}/events`
      const curl = startProgram(t, 'curl', [
        ...['-sSN', '--http2', '--cacert', proxy.certificate, '-w', '%{http_version}\n'],
        ...['--resolve', `${HOST}:${proxy.port}:127.0.0.1`, address],
      ])
      await until(() => stream.status === 200 && curl.lines.includes(':ok'), 'both are greeted')
      assert.equal(await server.stop(), 0)
      assert.equal(await stream.ended, 0)
      assert.equal(stream.retries.length, 1)
      assert.equal(await curl.ended, 0, curl.errors.join('\n'))
      assert.equal(curl.lines.at(-1), '2')
    })
  })
}
