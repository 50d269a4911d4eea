// Subscribers that do not read, on the real server, under either policy: what becomes of them, what they
// get when they read again, and how the status names them.
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { EventSource } from 'eventsource'
import { createParser } from 'eventsource-parser'
import { Publisher } from '../kit/publisher.ts'
import { type Server, startServer } from '../kit/server.ts'
import { RawSubscriber } from '../kit/subscriber.ts'
import { until } from '../kit/until.ts'

/** More than the kernel takes in for a client that does not read. */
const KERNEL_BYTES = 12_000_000
const LAG_BYTES = '1048576'

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

interface Status {
  readonly connections: readonly { readonly msgs_sent: number; readonly msgs_skipped: number }[]
  readonly slowest: readonly SlowRow[]
  readonly slow_recently: readonly SlowRow[]
  readonly subscribers_skipped: number
  readonly subscribers_closed_lag_bytes: number
  readonly subscribers_closed_lag_seconds: number
}

async function start(t: TestContext, ...args: string[]): Promise<Server> {
  const server = await startServer(['--threads', '1', '--no-user-ip', ...args])
  t.after(() => server.stop())
  return server
}

async function statusOf(server: Server): Promise<Status> {
  return (await (await fetch(`${server.url}/admin/status.json`)).json()) as Status
}

async function sleeper(server: Server, name: string): Promise<RawSubscriber> {
  const reader = new RawSubscriber(server.port, '/events', `User-Agent: ${name}\r\n`)
  await reader.opened()
  reader.socket.pause()
  return reader
}

/** Publishes numbered events of a size, as many as make so many bytes. */
async function publish(server: Server, bytes: number, size: number, from = 0): Promise<number> {
  const publisher = new Publisher(server.port)
  const padding = 'x'.repeat(size)
  const end = from + Math.ceil(bytes / size)
  let n = from
  await publisher.run(() => (n < end ? JSON.stringify({ n: n++, padding }) : undefined))
  assert.deepEqual([...publisher.refused], [])
  return end
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

describe('a subscriber that does not read, under the policy skip', () => {
  for (const size of [200, 64 * 1024, 1000 * 1024]) {
    it(`gets whole events of ${size} bytes, the count of those it missed, and all new ones`, async (t) => {
      const limits = ['--lag-bytes-max', LAG_BYTES, '--backlog-bytes-max', '268435456']
      const server = await start(t, '--lag-policy', 'skip', '--announce-skips', ...limits)
      const slow = await sleeper(server, 'sleeper')
      const fast = await new RawSubscriber(server.port).opened()
      const count = await publish(server, KERNEL_BYTES, size)
      await fast.received(count, 60_000)
      assert.deepEqual(read(fast.text).skipped, [])
      const rows = (await statusOf(server)).slow_recently
      assert.ok(rows.length > 0)
      for (const row of rows) {
        assert.deepEqual([row.action, row.reason], ['skipped', 'lag_bytes'])
        assert.deepEqual([row.user_agent, row.namespace], ['sleeper', '/events'])
      }
      slow.socket.resume()
      await until(() => read(slow.text).next === count, 'it has all up to the last', 20_000)
      const end = await publish(server, size * 10, size, count)
      await until(() => read(slow.text).next === end, 'new events come', 20_000)
      const { numbers, skipped } = read(slow.text)
      assert.equal(skipped.length, 1)
      const status = await statusOf(server)
      const missed = skipped[0] as number
      assert.ok(status.connections.some(({ msgs_skipped }) => msgs_skipped === missed))
      assert.ok(status.connections.some(({ msgs_sent }) => msgs_sent === numbers.length))
      assert.match(
        slow.text,
        new RegExp(`\n: skipped ${missed} events\n\nevent: carillon.skipped\n`),
      )
      for (const reader of [slow, fast]) reader.close()
    })
  }

  it('is skipped by time, too, and closed when it takes nothing for as long again', async (t) => {
    const server = await start(t, '--lag-policy', 'skip', '--lag-seconds-max', '2')
    const slow = await sleeper(server, 'sleeper')
    await publish(server, KERNEL_BYTES, 64 * 1024)
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
    const limits = ['--lag-bytes-max', LAG_BYTES, '--backlog-bytes-max', '268435456']
    const server = await start(t, '--lag-policy', 'skip', ...limits)
    const slow = await Promise.all(Array.from({ length: 20 }, (_, n) => sleeper(server, `s${n}`)))
    let from = await publish(server, KERNEL_BYTES, 64 * 1024)
    const rss = async (): Promise<number> => {
      const health = (await (await fetch(`${server.url}/health`)).json()) as { sys: string }
      return Number.parseInt(health.sys, 10)
    }
    const before = await rss()
    for (let times = 0; times < 5; times++)
      from = await publish(server, KERNEL_BYTES, 64 * 1024, from)
    const after = await rss()
    assert.ok((await statusOf(server)).subscribers_skipped > 40)
    assert.ok(after < before + 60, `from ${before} to ${after} MiB`)
    for (const reader of slow) reader.close()
  })

  it('is told by an EventSource as the event carillon.skipped', async (t) => {
    const limits = ['--lag-bytes-max', LAG_BYTES, '--backlog-bytes-max', '268435456']
    const server = await start(t, '--lag-policy', 'skip', '--announce-skips', ...limits)
    let resume: (() => void) | undefined
    const source = new EventSource(`${server.url}/events`, {
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
    const count = await publish(server, KERNEL_BYTES, 64 * 1024)
    resume?.()
    await until(() => next === count, 'it has all up to the last', 20_000)
    assert.ok(skipped > 0)
  })
})

describe('the status', () => {
  it('names the slowest, worst first, and those that were closed', async (t) => {
    const server = await start(t, '--lag-bytes-max', '16777216', '--lag-seconds-max', '5')
    const worst = await sleeper(server, 'worst')
    const from = await publish(server, KERNEL_BYTES, 64 * 1024)
    const other = await sleeper(server, 'other')
    const fast = await new RawSubscriber(server.port).opened()
    await publish(server, KERNEL_BYTES - 4_000_000, 64 * 1024, from)
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
    await until(isClosed, 'both are closed, and named', 20_000)
    assert.deepEqual((await statusOf(server)).slowest, [])
    for (const reader of [worst, other, fast]) reader.close()
  })
})
