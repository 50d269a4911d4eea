// GET /metrics: that its numbers are those of what happened, also when a shard dies; that it names slow
// subscribers; its two formats; who may read it.
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { Histogram } from '../../src/hub/histogram.ts'
import type { SlowRow } from '../../src/hub/inquiry.ts'
import { Ledger } from '../../src/hub/ledger.ts'
import type { Counts, DispatcherState, ShardReport } from '../../src/hub/message.ts'
import { expose, metrics } from '../../src/ops/metrics.ts'
import { Meter } from '../../src/shard/meter.ts'
import { exchange } from '../kit/raw.ts'
import { type Server, sharedServer, startServer } from '../kit/server.ts'
import { RawSubscriber } from '../kit/subscriber.ts'
import { until } from '../kit/until.ts'

const FAULT = new URL('../kit/fault.mjs', import.meta.url).href

async function start(t: TestContext, ...args: string[]): Promise<Server> {
  const server = await startServer(args, { nodeFlags: ['--import', FAULT] })
  t.after(() => server.stop())
  return server
}

/** Of each series its value. */
type Series = ReadonlyMap<string, number>

function seriesOf(text: string): Series {
  const series = new Map<string, number>()
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const [, name, value] = /^([a-z_]+(?:\{.*\})?) (\S+)$/.exec(line) ?? []
    assert.ok(name !== undefined && value !== undefined, `not a sample: ${line}`)
    assert.ok(!series.has(name), `twice: ${name}`)
    series.set(name, Number(value))
    assert.ok(!Number.isNaN(series.get(name)), line)
  }
  return series
}

async function readMetrics(server: Server): Promise<Series> {
  const response = await fetch(`${server.url}/metrics`)
  assert.equal(response.status, 200)
  return seriesOf(await response.text())
}

/** Waits until it is as it says: figures are up to two seconds old. */
async function become(server: Server, expected: Readonly<Record<string, number>>): Promise<void> {
  let series: Series = new Map()
  const isSo = async (): Promise<boolean> => {
    series = await readMetrics(server)
    return Object.entries(expected).every(([name, value]) => series.get(name) === value)
  }
  await until(isSo, 'the figures').catch(() => {
    const got = Object.keys(expected).map((name) => [name, series.get(name)])
    assert.deepEqual(Object.fromEntries(got), expected)
  })
}

async function publish(server: Server, count: number): Promise<void> {
  for (let event = 0; event < count; event++) {
    const response = await fetch(`${server.url}/api/events`, { method: 'POST', body: '{}' })
    assert.equal(response.status, 200)
    await response.text()
  }
}

function subscribers(server: Server, count: number): Promise<RawSubscriber[]> {
  const all = Array.from({ length: count }, () => new RawSubscriber(server.port))
  return Promise.all(all.map((reader) => reader.opened()))
}

// Figures come once a second: most of the time is spent waiting for them.
describe('GET /metrics', { concurrency: 2 }, () => {
  it('counts what happened, on all shards together', async (t) => {
    const server = await start(t, '--threads', '2', '--no-user-ip')
    const readers = await subscribers(server, 10)
    const begun = performance.now()
    await publish(server, 20)
    await Promise.all(readers.map((reader) => reader.received(20)))
    const bad = await fetch(`${server.url}/api/events`, { method: 'POST', body: '[]' })
    assert.equal(bad.status, 400)
    for (const reader of readers.splice(0, 3)) reader.close()
    const FRAME_BYTES = 'data: {}\n\n'.length
    await become(server, {
      'carillon_events_accepted_total{source="http"}': 20,
      carillon_events_ordered_total: 20,
      carillon_deliveries_total: 200,
      carillon_delivered_bytes_total: 200 * FRAME_BYTES,
      'carillon_requests_refused_total{code="not_an_object"}': 1,
      carillon_streams_opened_total: 10,
      'carillon_streams_closed_total{reason="gone"}': 3,
      carillon_feeds: 2,
      carillon_shards: 2,
      carillon_ready: 1,
      carillon_overloaded: 0,
      carillon_backlog_bytes: 0,
    })
    const series = await readMetrics(server)
    const sum = ['0', '1'].map((shard) => series.get(`carillon_subscribers{shard="${shard}"}`) ?? 0)
    assert.equal((sum[0] as number) + (sum[1] as number), 7)
    const writes = series.get('carillon_writes_total') as number
    assert.ok(writes > 0 && writes <= 200)
    assert.equal(series.get('carillon_delivery_delay_seconds_count'), writes)
    const mean = (series.get('carillon_delivery_delay_seconds_sum') as number) / writes
    // No event can have waited for longer than all of them took.
    assert.ok(mean > 0 && mean * 1000 < performance.now() - begun, `${mean} s`)
    assert.ok((series.get('process_cpu_seconds_total') as number) > 0)
    assert.ok((series.get('process_resident_memory_bytes') as number) > 1e7)
    const startedAt = series.get('process_start_time_seconds') as number
    assert.ok(Math.abs(startedAt - Date.now() / 1000) < 120)
    for (const reader of readers) reader.close()
  })

  it('counts heartbeats, which are no deliveries', async (t) => {
    const server = await start(t, '--threads', '1', '--heartbeat-seconds', '1')
    const readers = await subscribers(server, 3)
    const isCounted = async (): Promise<boolean> =>
      ((await readMetrics(server)).get('carillon_heartbeats_total') as number) >= 6
    await until(isCounted, 'two of each')
    const series = await readMetrics(server)
    assert.equal((series.get('carillon_heartbeats_total') as number) % 3, 0)
    assert.equal(series.get('carillon_deliveries_total'), 0)
    assert.equal(series.get('carillon_delivery_delay_seconds_count'), 0)
    for (const reader of readers) reader.close()
  })

  it('keeps what a shard had counted that died', async (t) => {
    const server = await start(t, '--threads', '2', '--no-user-ip')
    const readers = await subscribers(server, 8)
    await publish(server, 10)
    await Promise.all(readers.map((reader) => reader.received(10)))
    await become(server, { carillon_deliveries_total: 80 })
    server.process.kill('SIGUSR2')
    await until(() => readers.some(({ isClosed }) => isClosed), 'a shard dies')
    await become(server, { carillon_shards: 2, carillon_deliveries_total: 80 })
    const again = await subscribers(server, 8)
    const left = readers.filter(({ isClosed }) => !isClosed)
    await publish(server, 1)
    await become(server, { carillon_deliveries_total: 80 + left.length + again.length })
    for (const reader of [...readers, ...again]) reader.close()
  })

  it('names who is slow, for as long as that lasts', async (t) => {
    const lag = ['--lag-bytes-max', '1000000000', '--lag-seconds-max', '60']
    const server = await start(t, '--threads', '1', '--no-user-ip', ...lag)
    const slow = await new RawSubscriber(server.port, '/events', 'User-Agent: "a"\\b\r\n').opened()
    slow.socket.pause()
    const body = JSON.stringify({ text: 'x'.repeat(900_000) })
    let named: string | undefined
    const isNamed = async (): Promise<boolean> => {
      await (await fetch(`${server.url}/api/events`, { method: 'POST', body })).text()
      const series = await readMetrics(server)
      named = [...series.keys()].find((name) =>
        name.startsWith('carillon_slow_subscriber_lag_bytes'),
      )
      return named !== undefined
    }
    await until(isNamed, 'it is named')
    const labels =
      '{rank="1",shard="0",client_ip="127.0.0.1",user_agent="\\"a\\"\\\\b",topic="/events"}'
    assert.equal(named, `carillon_slow_subscriber_lag_bytes${labels}`)
    slow.socket.resume()
    const isOver = async (): Promise<boolean> =>
      ![...(await readMetrics(server)).keys()].some((name) => name.includes('slow_subscriber'))
    await until(isOver, 'it has caught up')
    slow.close()
  })

  it('is Prometheus text, or OpenMetrics for who accepts that', async (t) => {
    const server = await start(t, '--threads', '1')
    await become(server, { carillon_ready: 1 })
    const plain = await fetch(`${server.url}/metrics`)
    assert.equal(plain.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
    assert.equal(plain.headers.get('x-content-type-options'), 'nosniff')
    assert.match(await plain.text(), /^# TYPE carillon_deliveries_total counter$/m)
    const headers = {
      Accept: 'application/openmetrics-text; version=1.0.0; q=0.9,text/plain;q=0.5',
    }
    const open = await fetch(`${server.url}/metrics`, { headers })
    const type = 'application/openmetrics-text; version=1.0.0; charset=utf-8'
    assert.equal(open.headers.get('content-type'), type)
    const text = await open.text()
    assert.match(text, /^# TYPE carillon_deliveries counter\ncarillon_deliveries_total \d+$/m)
    assert.match(text, /# EOF\n$/)
    const head = await fetch(`${server.url}/metrics`, { method: 'HEAD' })
    assert.equal(head.status, 200)
    assert.equal((await fetch(`${server.url}/metrics`, { method: 'POST' })).status, 405)
  })

  it('is for who may read /admin: this machine, who has a token, everybody, nobody', async () => {
    const statusOf = async (args: string[], headers: Record<string, string>): Promise<number> => {
      const server = await sharedServer(['--threads', '1', ...args])
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
      const head = `GET /metrics HTTP/1.1\r\nHost: test\r\n${lines.join('')}\r\n`
      const answer = await exchange(server.port, [head])
      return Number(answer.slice(9, 12))
    }
    const forwarded = { 'X-Forwarded-For': '203.0.113.7' }
    const token = 'a-token-of-an-operator'
    assert.equal(await statusOf([], {}), 200)
    assert.equal(await statusOf([], forwarded), 403)
    assert.equal(await statusOf(['--admin', 'public'], forwarded), 200)
    assert.equal(await statusOf(['--admin', 'off'], {}), 403)
    assert.equal(await statusOf(['--admin-token', token], {}), 401)
    const bearer = { Authorization: `Bearer ${token}`, ...forwarded }
    assert.equal(await statusOf(['--admin-token', token], bearer), 200)
    for (const args of [[], ['--admin', 'public'], ['--admin', 'off'], ['--admin-token', token]]) {
      assert.equal(await (await sharedServer(['--threads', '1', ...args])).stop(), 0)
    }
  })
})

const counts: Counts = {
  accepted: 1,
  deliveries: 2,
  deliveredBytes: 3,
  writes: 4,
  heartbeats: 5,
  streamsOpened: 6,
  streamsClosed: 7,
  closedLagBytes: 1,
  closedLagSeconds: 2,
  skips: 8,
  skippedEvents: 9,
  streamsRefused: 10,
  connectionsClosed: 11,
  addressStreamsRefused: 12,
  addressPublishesRefused: 13,
  gcCount: 14,
  gcPauseNs: 15,
}

function reportOf(slowest: readonly SlowRow[] = []): ShardReport {
  const delay = new Histogram()
  delay.add(0.002, 3)
  return {
    levels: { subscribers: 5, feeds: 2, connections: 6, heapUsedBytes: 100 },
    counts,
    distributions: { delay, round: new Histogram(), lateness: new Histogram() },
    problems: { not_found: 2 },
    slowest,
    thread: { utilization: 0.5, cpuSeconds: 1, memoryBytes: 200, lateMs: 3 },
    atMs: 1000,
  }
}

function rowOf(lagBytes: number): SlowRow {
  const row = { shard: 0, clientIp: 'line\nend', userAgent: 'é"\\', topic: '/a', lagSeconds: 1 }
  return { ...row, lagBytes, skips: 0, skippedEvents: 0 }
}

describe('the ledger', () => {
  it('sums the shards and its own thread; what died counts, but is no more', () => {
    const ledger = new Ledger(() => ({ heapUsedBytes: 1000, gcCount: 1, gcPauseNs: 1 }))
    ledger.take(0, reportOf([rowOf(1), rowOf(3)]))
    ledger.take(1, reportOf([rowOf(2)]))
    ledger.take(1, reportOf([rowOf(2)]))
    const both = ledger.totals
    assert.equal(both.counts.deliveries, 4)
    assert.equal(both.counts.gcCount, 29)
    assert.deepEqual(both.levels, {
      subscribers: 10,
      feeds: 4,
      connections: 12,
      heapUsedBytes: 1200,
    })
    assert.deepEqual(both.problems, { not_found: 4 })
    assert.equal(both.distributions.delay.counts[2], 6)
    assert.ok(Math.abs(both.distributions.delay.sum - 0.012) < 1e-9)
    assert.deepEqual(
      both.slowest.map(({ lagBytes }) => lagBytes),
      [3, 2, 1],
    )
    assert.equal(both.shards.length, 2)
    ledger.bury(1)
    ledger.bury(1)
    const one = ledger.totals
    assert.deepEqual(one.counts, both.counts)
    assert.deepEqual(one.distributions, both.distributions)
    assert.deepEqual(one.problems, both.problems)
    assert.deepEqual(one.levels, { subscribers: 5, feeds: 2, connections: 6, heapUsedBytes: 1100 })
    assert.equal(one.slowest.length, 2)
    assert.deepEqual(one.shards, [
      { shard: 0, subscribers: 5, cpu: undefined, ...reportOf().thread },
    ])
    ledger.take(1, reportOf())
    assert.equal(ledger.totals.counts.deliveries, 6)
  })
})

describe('the meter', () => {
  it('counts each write of a round with the age of the oldest event that it could have', () => {
    const meter = new Meter()
    meter.received(performance.now() - 1e9)
    meter.roundBegins()
    meter.writes += 3
    meter.sliceEnds()
    meter.sliceEnds()
    meter.writes += 2
    meter.roundEnds()
    // An hour is in the last bucket.
    assert.deepEqual(meter.delay.counts, [...Array.from({ length: 14 }, () => 0), 5])
    meter.roundBegins()
    meter.writes += 7
    meter.roundEnds()
    assert.equal(meter.delay.counts.at(-1), 5, 'a round without events is one of heartbeats')
    assert.equal(
      meter.round.counts.reduce((sum, count) => sum + count),
      2,
    )
  })
})

describe('the text of metrics', () => {
  const ledger = new Ledger(() => ({ heapUsedBytes: 1, gcCount: 1, gcPauseNs: 1 }))
  ledger.take(0, reportOf([rowOf(5), rowOf(5)]))
  const state: DispatcherState = {
    ready: true,
    reason: 'ready',
    overloaded: false,
    threads: 1,
    events: 12,
    eventsPerSecond: 1,
    backlogBytes: 34,
    backlogBytesMax: 1000,
    connectionsMax: 100,
    totals: ledger.totals,
    sources: [],
    rollups: [],
  }

  it('has every metric of the table, once, and escapes what clients say', async () => {
    const text = await expose(state, '').text
    const series = seriesOf(text)
    for (const { name, type } of Object.values(metrics).flat()) {
      assert.ok(text.includes(`# TYPE ${name} ${type}\n`), name)
      assert.match(name, /^(carillon|process)_/)
      assert.equal(name.endsWith('_total'), type === 'counter', name)
    }
    const slow = [...series.keys()].filter((name) =>
      name.startsWith('carillon_slow_subscriber_lag_bytes'),
    )
    assert.equal(slow.length, 2, 'two of the same client are two series')
    assert.match(slow[0] as string, /client_ip="line\\nend",user_agent="é\\"\\\\"/)
    assert.equal(series.get('carillon_delivery_delay_seconds_bucket{le="0.001"}'), 0)
    assert.equal(series.get('carillon_delivery_delay_seconds_bucket{le="0.0025"}'), 3)
    assert.equal(series.get('carillon_delivery_delay_seconds_bucket{le="+Inf"}'), 3)
    assert.equal(series.get('carillon_streams_closed_total{reason="gone"}'), 4)
  })
})
