// GET /admin/events: a snapshot a second, that its numbers are those of what happened, and that nothing
// is made of them while nobody looks; also what a stop, a slow reader and a full server do to it.
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { Watchers } from '../../src/http/watcher.ts'
import { Histogram, quantileOf } from '../../src/hub/histogram.ts'
import { Ledger } from '../../src/hub/ledger.ts'
import type { Counts, ShardReport } from '../../src/hub/message.ts'
import { Rate } from '../../src/hub/rate.ts'
import { type Server, type ServerOptions, startServer } from '../kit/server.ts'
import { RawSubscriber } from '../kit/subscriber.ts'
import { until } from '../kit/until.ts'

interface Snapshot {
  readonly [field: string]: unknown
  readonly at: number
  readonly events: number
  readonly deliveries: number
  readonly events_per_second: number
  readonly deliveries_per_second: number
  readonly bytes_per_second: number
  readonly delay_p50_ms: number | null
  readonly delay_p99_ms: number | null
  readonly shards: readonly Record<string, number | null>[]
}

async function start(t: TestContext, args: string[], options?: ServerOptions): Promise<Server> {
  const server = await startServer(args, options)
  t.after(() => server.stop())
  return server
}

function watch(t: TestContext, { port }: Server, headers = ''): RawSubscriber {
  const watcher = new RawSubscriber(port, '/admin/events', headers)
  t.after(() => watcher.close())
  return watcher
}

function snapshots({ events }: RawSubscriber): Snapshot[] {
  return events.map((text) => JSON.parse(text) as Snapshot)
}

async function publish(server: Server, count: number): Promise<void> {
  const lines = Array.from({ length: count }, () => '{"topic":"a","data":"x"}').join('\n')
  const headers = { 'Content-Type': 'application/x-ndjson' }
  const response = await fetch(`${server.url}/publish`, { method: 'POST', headers, body: lines })
  assert.equal(response.status, 200, await response.text())
}

describe('GET /admin/events', () => {
  it('has the figures at once, and then each second, in a few hundred bytes', async (t) => {
    const server = await start(t, ['--threads', '2', '--node-name', 'here'])
    const readers = await Promise.all(
      Array.from({ length: 20 }, () => new RawSubscriber(server.port, '/subscribe/a').opened()),
    )
    const watcher = watch(t, server)
    await watcher.received(1)
    assert.match(watcher.head, /^HTTP\/1\.1 200 OK\r\n/)
    assert.match(watcher.head, /\r\nContent-Type: text\/event-stream\r\n/)
    assert.match(watcher.head, /\r\nCache-Control: no-cache\r\n/)
    assert.doesNotMatch(watcher.head, /Access-Control-Allow-Origin/)
    await publish(server, 100)
    await until(() => snapshots(watcher).at(-1)?.deliveries === 2000, 'all are counted')
    await watcher.received(watcher.events.length + 2)
    const all = snapshots(watcher)
    const last = all.at(-1) as Snapshot
    assert.deepEqual(
      [last['node'], last['state'], last['overloaded'], last['subscribers'], last['feeds']],
      ['here', 'ready', false, 20, 2],
    )
    assert.deepEqual([last.events, last['bytes'], last['sources']], [100, 2000 * 9, []])
    assert.deepEqual(last['refused'], {})
    assert.deepEqual(
      last.shards.map(({ shard }) => shard),
      [0, 1],
    )
    const perShard = last.shards.map(({ subscribers }) => subscribers ?? 0)
    assert.equal((perShard[0] ?? 0) + (perShard[1] ?? 0), 20)
    for (const { cpu, busy, memory_bytes: memory, loop_delay_ms: late } of last.shards) {
      assert.ok(typeof cpu === 'number' && cpu >= 0 && cpu < 2, `${cpu}`)
      assert.ok(Number(busy) >= 0 && Number(busy) <= 1)
      assert.ok(Number(memory) > 1e6 && Number(memory) < 1e9)
      assert.ok(Number(late) >= 0)
    }
    // How large rates are is shown by those of the ledger, below, where the clock does not run.
    for (const field of ['events_per_second', 'deliveries_per_second'] as const) {
      assert.ok(
        all.some((one) => one[field] > 0),
        field,
      )
      await until(() => snapshots(watcher).at(-1)?.[field] === 0, `${field} comes to rest`)
    }
    const measured = all.filter((one) => one.delay_p99_ms !== null)
    assert.ok(measured.length >= 1)
    for (const { delay_p50_ms: p50, delay_p99_ms: p99 } of measured) {
      assert.ok(p50 !== null && p99 !== null && p50 > 0 && p50 <= p99 && p99 < 5000)
    }
    const gaps = all.slice(2).map(({ at }, index) => at - (all[index + 1] as Snapshot).at)
    assert.ok(
      gaps.every((gap) => gap >= 500),
      gaps.join(' '),
    )
    assert.ok(watcher.events.every((text) => text.length < 1000))
    for (const reader of readers) reader.close()
  })

  it('has them without waiting for the next second', async (t) => {
    const server = await start(t, ['--threads', '1'])
    const standing = watch(t, server)
    await standing.received(1)
    const NEWCOMERS = 20
    for (let count = 0; count < NEWCOMERS; count++) {
      const newcomer = watch(t, server)
      await newcomer.received(1)
      newcomer.close()
    }
    // If each had waited for a second to be over, one who was there would have had as many snapshots.
    assert.ok(standing.events.length < NEWCOMERS - 1, `${standing.events.length} seconds`)
  })

  it('is no subscriber: it gets no event, and the status does not have it', async (t) => {
    const server = await start(t, ['--threads', '1'])
    const watcher = watch(t, server)
    await watcher.received(1)
    await publish(server, 1)
    await until(() => snapshots(watcher).at(-1)?.events === 1, 'it is counted')
    const status = await (await fetch(`${server.url}/admin/status.json`)).json()
    assert.deepEqual((status as { connections: unknown[] }).connections, [])
    assert.equal(snapshots(watcher).at(-1)?.['subscribers'], 0)
  })

  it('is refused as a stream is where there are too many connections', async (t) => {
    const server = await start(t, ['--threads', '1', '--connections-max', '2'])
    const readers = await Promise.all([1, 2].map(() => new RawSubscriber(server.port).opened()))
    const watcher = watch(t, server)
    await until(() => watcher.head !== '', 'it is answered')
    assert.match(watcher.head, /^HTTP\/1\.1 503 /)
    for (const reader of readers) reader.close()
  })

  it('ends when the server stops, and says when to come back', async (t) => {
    const server = await start(t, ['--threads', '2', '--reconnect-ms', '700'])
    const watcher = watch(t, server)
    await watcher.received(1)
    assert.equal(await server.stop(), 0)
    await until(() => watcher.isClosed, 'it ends')
    assert.match(watcher.text, /\nretry: \d+\n\n$/)
  })
})

/** As much of a response as a stream uses. */
class Response {
  readonly written: string[] = []
  hasRoom = true
  onWritable(then: () => boolean): void {
    this.drain = then
  }
  onAborted(then: () => void): void {
    this.abort = then
  }
  drain: () => boolean = () => true
  abort: () => void = () => {}
  cork(then: () => void): void {
    then()
  }
  write(chunk: Uint8Array | ArrayBuffer): boolean {
    const text = Buffer.from(chunk as Uint8Array).toString()
    if (text.trim() !== '') this.written.push(text)
    return this.hasRoom
  }
}

describe('who watches', () => {
  function open(watchers: Watchers): Response {
    const response = new Response()
    watchers.open(response as never)
    return response
  }

  it('costs nothing where nobody does, and one snapshot for all', (t) => {
    t.mock.timers.enable({ apis: ['Date'] })
    let made = 0
    const watchers = new Watchers(() => `${++made}`)
    watchers.tell()
    assert.equal(made, 0)
    const [one, other] = [open(watchers), open(watchers)]
    assert.equal(made, 2)
    watchers.tell()
    assert.equal(made, 3)
    assert.deepEqual(one.written, ['data: 1\n\n', 'data: 3\n\n'])
    assert.deepEqual(other.written, ['data: 2\n\n', 'data: 3\n\n'])
    watchers.tell()
    assert.equal(made, 3, 'states that follow at once make none')
    one.abort()
    other.abort()
  })

  it('gets none while its socket is full', () => {
    let now = 0
    const original = performance.now
    performance.now = () => now
    try {
      const watchers = new Watchers(() => 'x')
      const [slow, quick] = [open(watchers), open(watchers)]
      const second = (): void => {
        now += 1000
        watchers.tell()
      }
      slow.hasRoom = false
      second()
      second()
      assert.deepEqual([slow.written.length, quick.written.length], [2, 3])
      slow.hasRoom = true
      slow.drain()
      second()
      assert.deepEqual([slow.written.length, quick.written.length], [3, 4])
    } finally {
      performance.now = original
    }
  })
})

const counts = Object.fromEntries(
  [
    ...['accepted', 'deliveries', 'deliveredBytes', 'writes', 'heartbeats', 'streamsOpened'],
    ...['streamsClosed', 'closedLagBytes', 'closedLagSeconds', 'skips', 'skippedEvents'],
    ...['streamsRefused', 'connectionsClosed', 'addressStreamsRefused'],
    ...['addressPublishesRefused', 'gcCount', 'gcPauseNs'],
  ].map((name) => [name, 0]),
) as unknown as Counts

function report(atMs: number, deliveries: number, delays: readonly number[]): ShardReport {
  const delay = new Histogram()
  for (const seconds of delays) delay.add(seconds)
  return {
    levels: { subscribers: 1, feeds: 1, connections: 1, heapUsedBytes: 1 },
    counts: { ...counts, deliveries, deliveredBytes: 10 * deliveries },
    distributions: { delay, round: new Histogram(), lateness: new Histogram() },
    problems: {},
    slowest: [],
    thread: { utilization: 0.5, cpuSeconds: atMs / 2000, memoryBytes: 1, lateMs: 1 },
    atMs,
  }
}

describe('rates', () => {
  it('are of the last two samples, however far apart', () => {
    const rate = new Rate(10, 0)
    assert.equal(rate.perSecond, 0)
    rate.sample(60, 500)
    assert.equal(rate.perSecond, 100)
    rate.sample(60, 500)
    assert.equal(rate.perSecond, 100, 'no time has passed')
    rate.sample(60, 1000)
    assert.equal(rate.perSecond, 0)
  })

  it('of shards are by the clock of each, and end with it', () => {
    const ledger = new Ledger(() => ({ heapUsedBytes: 0, gcCount: 0, gcPauseNs: 0 }))
    ledger.take(1, report(1000, 500, [0.002]))
    assert.equal(ledger.totals.recent.deliveriesPerSecond, 0)
    ledger.take(0, report(0, 0, []))
    ledger.take(0, report(500, 100, []))
    ledger.take(1, report(3000, 900, [0.002, 0.02]))
    const { recent, shards } = ledger.totals
    assert.equal(recent.deliveriesPerSecond, 200 + 200)
    assert.equal(recent.bytesPerSecond, 4000)
    assert.equal(recent.delay.counts.indexOf(1), 5, 'only what came since: 20 ms')
    assert.deepEqual(
      shards.map(({ shard, cpu }) => [shard, cpu]),
      [
        [0, 0.5],
        [1, 0.5],
      ],
    )
    ledger.bury(1)
    assert.equal(ledger.totals.recent.deliveriesPerSecond, 200)
  })

  it('have quantiles that lie where the values do', () => {
    const histogram = new Histogram()
    assert.equal(quantileOf(histogram, 0.5), undefined)
    histogram.add(0.002, 98)
    histogram.add(0.2, 1)
    histogram.add(100, 1)
    // In the bucket from 1 to 2.5 ms, at 50 of its 98.
    assert.ok(Math.abs((quantileOf(histogram, 0.5) ?? 0) - (1 + (1.5 * 50) / 98) / 1000) < 1e-9)
    assert.equal(quantileOf(histogram, 0.99), 0.25)
    assert.equal(quantileOf(histogram, 1), 10, 'above the last bound, that')
  })
})
