// Subscribers that do not read, on the real server, under either policy: what becomes of them, what they
// get when they read again, and how the status names them.
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { EventSource } from 'eventsource'
import { createParser } from 'eventsource-parser'
import { type Server, sharedServer, startServer } from '../kit/server.ts'
import { RawSubscriber } from '../kit/subscriber.ts'
import { until } from '../kit/until.ts'

/** More than the kernel takes in for a client that does not read. */
const KERNEL_BYTES = 12_000_000
/** Of an event, where it matters little. */
const SIZE = 64 * 1024
/** Of one request, well below the limit of its body. */
const BATCH_BYTES = 500_000
/** Skipped at a MiB, while publishers are never told to wait. */
const SKIP = [
  ...['--threads', '1', '--no-user-ip', '--lag-policy', 'skip'],
  ...['--lag-bytes-max', '1048576', '--backlog-bytes-max', '268435456'],
]
const ANNOUNCE = [...SKIP, '--announce-skips']

interface SlowRow {
  readonly user_agent: string
  readonly namespace: string
  readonly client_ip: string
  readonly lag_bytes: number
  readonly lag_seconds: number
  readonly skips: number
  readonly msgs_skipped: number
  readonly action?: string
  readonly reason?: string
}

interface ConnectionRow {
  readonly namespace: string
  readonly msgs_sent: number
  readonly msgs_skipped: number
}

interface Status {
  readonly connections: readonly ConnectionRow[]
  readonly slowest: readonly SlowRow[]
  readonly slow_recently: readonly SlowRow[]
  readonly subscribers_skipped: number
  readonly subscribers_closed_lag_bytes: number
  readonly subscribers_closed_lag_seconds: number
}

/** A server of the test's own: where the status counts, or memory does. */
async function start(t: TestContext, args: readonly string[]): Promise<Server> {
  const server = await startServer(args)
  t.after(() => server.stop())
  return server
}

async function statusOf(server: Server): Promise<Status> {
  return (await (await fetch(`${server.url}/admin/status.json`)).json()) as Status
}

async function open(server: Server, topic: string, name = 'reader'): Promise<RawSubscriber> {
  const agent = `User-Agent: ${name}\r\n`
  return new RawSubscriber(server.port, `/subscribe/${topic}`, agent).opened()
}

async function sleeper(server: Server, topic: string, name: string): Promise<RawSubscriber> {
  const reader = await open(server, topic, name)
  reader.socket.pause()
  return reader
}

/**
 * Publishes numbered events of a size, as many as make so many bytes.
 * @param fast one that reads: it has each batch before the next is sent, on a slow machine too
 * @returns the number after the last one
 */
async function publish(
  server: Server,
  topic: string,
  { bytes, size, from = 0, fast }: Events,
): Promise<number> {
  const padding = 'x'.repeat(size)
  const end = from + Math.ceil(bytes / size)
  const perBatch = Math.max(1, Math.floor(BATCH_BYTES / size))
  for (let n = from; n < end; ) {
    let body = ''
    for (const last = Math.min(n + perBatch, end); n < last; n++) {
      body += `{"data":{"n":${n},"padding":"${padding}"}}\n`
    }
    const headers = { 'Content-Type': 'application/x-ndjson' }
    const request = { method: 'POST', headers, body }
    const response = await fetch(`${server.url}/publish/${topic}`, request)
    assert.equal(response.status, 200, await response.text())
    await fast?.received(n, 60_000)
  }
  return end
}

interface Events {
  readonly bytes: number
  readonly size: number
  readonly from?: number
  readonly fast?: RawSubscriber
}

/** Numbers of events, and counts of those that a stream says it has left out, in order. */
function read(text: string): { numbers: number[]; skipped: number[]; next: number } {
  const numbers: number[] = []
  const skipped: number[] = []
  let next = 0
  const parser = createParser({
    onEvent: ({ event, data }) => {
      if (event === 'carillon.skipped') {
        skipped.push(JSON.parse(data).events)
        next += skipped.at(-1) as number
      } else {
        numbers.push(JSON.parse(data).n)
        assert.equal(numbers.at(-1), next++, 'no event is lost that was not announced')
      }
    },
    onError: (error) => assert.fail(error.message),
  })
  parser.feed(text)
  return { numbers, skipped, next }
}

// What the status names waits for its clock, and costs the others nothing meanwhile.
describe('who does not read', { concurrency: true }, () => {
  describe('a subscriber that does not read, under the policy skip', { concurrency: 1 }, () => {
    for (const size of [200, 64 * 1024, 1000 * 1024]) {
      it(`gets whole events of ${size} bytes, the count of those it missed, and all new ones`, async () => {
        const server = await sharedServer(ANNOUNCE)
        const topic = `of-${size}`
        const slow = await sleeper(server, topic, 'sleeper')
        const fast = await open(server, topic)
        const count = await publish(server, topic, { bytes: KERNEL_BYTES, size, fast })
        await fast.received(count, 60_000)
        assert.deepEqual(read(fast.text).skipped, [])
        const ours = ({ namespace }: { readonly namespace: string }) => namespace === `/${topic}`
        const rows = (await statusOf(server)).slow_recently.filter(ours)
        assert.ok(rows.length > 0)
        for (const row of rows) {
          assert.deepEqual([row.action, row.reason], ['skipped', 'lag_bytes'])
          assert.equal(row.user_agent, 'sleeper')
        }
        slow.socket.resume()
        await until(() => read(slow.text).next === count, 'it has all up to the last', 20_000)
        const end = await publish(server, topic, { bytes: size * 10, size, from: count, fast })
        await until(() => read(slow.text).next === end, 'new events come', 20_000)
        const { numbers, skipped } = read(slow.text)
        assert.equal(skipped.length, 1)
        const connections = (await statusOf(server)).connections.filter(ours)
        const missed = skipped[0] as number
        assert.ok(connections.some(({ msgs_skipped }) => msgs_skipped === missed))
        assert.ok(connections.some(({ msgs_sent }) => msgs_sent === numbers.length))
        assert.match(
          slow.text,
          new RegExp(`\n: skipped ${missed} events\n\nevent: carillon.skipped\n`),
        )
        for (const reader of [slow, fast]) reader.close()
      })
    }

    it('is skipped by time, too, and closed when it takes nothing for as long again', async (t) => {
      const byTime = ['--lag-policy', 'skip', '--lag-seconds-max', '2']
      const server = await start(t, ['--threads', '1', ...byTime])
      const slow = await sleeper(server, 'a', 'sleeper')
      await publish(server, 'a', { bytes: KERNEL_BYTES, size: SIZE })
      const actions = async (): Promise<unknown[]> => {
        const { slow_recently } = await statusOf(server)
        return slow_recently.map(({ action, reason }) => `${action} ${reason}`)
      }
      await until(async () => (await actions()).length === 2, 'it is skipped, then closed', 20_000)
      assert.deepEqual(await actions(), ['skipped lag_seconds', 'closed lag_seconds'])
      slow.socket.resume()
      await until(() => slow.isClosed, 'its stream has ended')
    })

    it('costs bounded memory, though skipped again and again', async (t) => {
      const server = await start(t, SKIP)
      const slow = await Promise.all(
        Array.from({ length: 20 }, (_, n) => sleeper(server, 'a', `s${n}`)),
      )
      let from = await publish(server, 'a', { bytes: KERNEL_BYTES, size: SIZE })
      const rss = async (): Promise<number> => {
        const health = (await (await fetch(`${server.url}/health`)).json()) as { sys: string }
        return Number.parseInt(health.sys, 10)
      }
      const before = await rss()
      for (let times = 0; times < 5; times++) {
        from = await publish(server, 'a', { bytes: KERNEL_BYTES, size: SIZE, from })
      }
      const after = await rss()
      assert.ok((await statusOf(server)).subscribers_skipped > 40)
      assert.ok(after < before + 60, `from ${before} to ${after} MiB`)
      for (const reader of slow) reader.close()
    })

    it('is told by an EventSource as the event carillon.skipped', async (t) => {
      const server = await sharedServer(ANNOUNCE)
      let resume: (() => void) | undefined
      const source = new EventSource(`${server.url}/subscribe/source`, {
        fetch: async (url, init) => {
          const response = await fetch(url, init)
          // Reads nothing until it may.
          const body = response.body?.pipeThrough(
            new TransformStream({
              transform: async (chunk, controller) => {
                if (String.fromCharCode(...chunk.slice(0, 3)) !== ':ok') await held
                controller.enqueue(chunk)
              },
            }),
          )
          const { status, headers, redirected } = response
          return { body: body ?? null, url: response.url, status, redirected, headers }
        },
      })
      const held = new Promise<void>((resolve) => {
        resume = resolve
      })
      t.after(() => source.close())
      let next = 0
      let skipped = 0
      source.addEventListener('message', ({ data }) => {
        assert.equal(JSON.parse(data).n, next++)
      })
      source.addEventListener('carillon.skipped', ({ data }) => {
        skipped += JSON.parse(data).events
        next += JSON.parse(data).events
      })
      await until(() => source.readyState === source.OPEN, 'it is open')
      const count = await publish(server, 'source', { bytes: KERNEL_BYTES, size: SIZE })
      resume?.()
      await until(() => next === count, 'it has all up to the last', 20_000)
      assert.ok(skipped > 0)
    })
  })

  describe('the status', () => {
    it('names the slowest, worst first, and those that were closed', async (t) => {
      // Nobody is closed before both have been seen, on a slow machine either.
      const limits = ['--lag-bytes-max', '16777216', '--lag-seconds-max', '15']
      const server = await start(t, ['--threads', '1', ...limits])
      const worst = await sleeper(server, 'a', 'worst')
      const from = await publish(server, 'a', { bytes: KERNEL_BYTES, size: SIZE })
      const other = await sleeper(server, 'a', 'other')
      const fast = await open(server, 'a')
      await publish(server, 'a', { bytes: KERNEL_BYTES - 4_000_000, size: SIZE, from })
      const { slowest } = await statusOf(server)
      assert.deepEqual(
        slowest.map(({ user_agent }) => user_agent),
        ['worst', 'other'],
      )
      const [first, second] = slowest as [SlowRow, SlowRow]
      assert.ok(first.lag_bytes > second.lag_bytes && second.lag_bytes > 0)
      assert.ok(first.lag_seconds >= second.lag_seconds)
      assert.equal(first.client_ip, '127.0.0.1')
      const isClosed = async (): Promise<boolean> => {
        const { slow_recently, subscribers_closed_lag_seconds } = await statusOf(server)
        const agents = slow_recently.map(({ user_agent, action }) => `${user_agent} ${action}`)
        return agents.join() === 'worst closed,other closed' && subscribers_closed_lag_seconds === 2
      }
      await until(isClosed, 'both are closed, and named', 60_000)
      assert.deepEqual((await statusOf(server)).slowest, [])
      for (const reader of [worst, other, fast]) reader.close()
    })
  })
})
