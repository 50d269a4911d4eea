// The status document: the rows of each shard in pages, those of all shards as one list by time, and
// the text that is made of them, page by page.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { pino } from 'pino'
import { Histogram } from '../../src/hub/histogram.ts'
import type { SlowRecord, SlowRow, StatusPart } from '../../src/hub/inquiry.ts'
import { SLOW_ROWS_MAX } from '../../src/hub/ledger.ts'
import type { DispatcherState } from '../../src/hub/message.ts'
import { Desk } from '../../src/ops/desk.ts'
import { PAGE_ROWS } from '../../src/ops/paging.ts'
import { mergeByTime, sendRows } from '../../src/ops/roster.ts'
import { type StatusPages, statusPages } from '../../src/ops/status.ts'
import { SlowJournal } from '../../src/shard/slow-journal.ts'
import type { Subscriber } from '../../src/shard/subscriber.ts'

/** A shard's rows, which name shard and place, cut into pages of these sizes. */
function pages(shard: number, times: readonly number[], sizes: readonly number[]): StatusPart[] {
  const parts: StatusPart[] = []
  let from = 0
  for (const size of [...sizes, times.length]) {
    const createdAt = times.slice(from, from + size)
    const rows = createdAt.map((time, index) => `${time}:${shard}:${from + index}`)
    from = Math.min(times.length, from + size)
    parts.push({ kind: 'status', shard, createdAt, rows, last: from === times.length })
  }
  return parts
}

describe('rows of several shards', () => {
  it('are merged by time; those of one shard, or of one time, stay in order', () => {
    const times = fc.array(fc.nat({ max: 20 })).map((list) => list.sort((a, b) => a - b))
    const shard = fc.tuple(times, fc.array(fc.nat({ max: 3 }), { maxLength: 4 }))
    fc.assert(
      fc.property(fc.array(shard, { maxLength: 4 }), (shards) => {
        const parts = shards.map(([list, sizes], number) => pages(number, list, sizes))
        const rows = parts.flat().flatMap((part) => part.rows)
        const timeOf = (row: string): number => Number.parseInt(row, 10)
        // Stable, and shards come in order: the model of what the merge must give.
        const expected = rows.toSorted((one, other) => timeOf(one) - timeOf(other))
        assert.deepEqual([...mergeByTime(parts)], expected)
      }),
    )
  })

  it('are none where there is no shard, or only empty ones', () => {
    assert.deepEqual([...mergeByTime([])], [])
    assert.deepEqual([...mergeByTime([[], pages(1, [], [])])], [])
  })
})

const silent = pino({ level: 'silent' })

const STARTED_AT = 1_700_000_000_999
const state: DispatcherState = {
  ready: true,
  reason: 'ready',
  overloaded: false,
  threads: 4,
  events: 77,
  eventsPerSecond: 0,
  backlogBytes: 0,
  backlogBytesMax: 1000,
  connectionsMax: 100,
  totals: {
    levels: { subscribers: 9, feeds: 3, connections: 11, heapUsedBytes: 1 },
    counts: {
      accepted: 70,
      deliveries: 700,
      deliveredBytes: 7000,
      writes: 600,
      heartbeats: 0,
      streamsOpened: 20,
      streamsClosed: 11,
      closedLagBytes: 2,
      closedLagSeconds: 1,
      skips: 4,
      skippedEvents: 40,
      streamsRefused: 5,
      connectionsClosed: 6,
      addressStreamsRefused: 7,
      addressPublishesRefused: 8,
      gcCount: 1,
      gcPauseNs: 1,
    },
    distributions: { delay: new Histogram(), round: new Histogram(), lateness: new Histogram() },
    problems: {},
    slowest: [],
    shards: [],
    recent: { deliveriesPerSecond: 0, bytesPerSecond: 0, delay: new Histogram() },
  },
  sources: [],
  rollups: [],
}

/** What a roster has of a subscriber, without its socket. */
function subscriber(number: number, createdAt: number): Subscriber {
  const identity = {
    requestPath: `/subscribe/${number}`,
    clientIp: '::1',
    address: '',
    userAgent: `"Agent" \\ ${number}\n\u2028 é😀`,
  }
  const feed = { topic: '/subscribe' }
  const counts = { sent: number, lagBytes: 2, laggingSince: 0, skips: 0, skippedEvents: 1 }
  return { identity, feed, createdAt, ...counts } as unknown as Subscriber
}

/** The rows of a shard, as it sends them: all parts, in their order. */
function partsOf(shard: number, roster: ReadonlySet<Subscriber>): Promise<StatusPart[]> {
  const parts: StatusPart[] = []
  return new Promise((resolve) => {
    sendRows(shard, roster, new SlowJournal(silent, shard), (part) => {
      parts.push(part)
      if (part.last) resolve(parts)
    })
  })
}

interface Asked {
  readonly desk: Desk
  readonly ask: number
  /** The texts of all pages; undefined until the desk has the document. */
  readonly texts: () => string[] | undefined
}

function ask(desk?: Desk): Asked {
  const asks: number[] = []
  const own = desk ?? new Desk((number) => asks.push(number))
  let pages: StatusPages | undefined
  own.ask({ kind: 'status' }, (gathered) => {
    pages = statusPages('a "node"', STARTED_AT, gathered)
  })
  const texts = (): string[] | undefined => {
    if (pages === undefined) return undefined
    const read: string[] = []
    for (;;) {
      const page = pages.next()
      read.push(page.value)
      if (page.done) return read
    }
  }
  return { desk: own, ask: asks[0] ?? 0, texts }
}

function documentOf(texts: readonly string[] | undefined): Record<string, unknown> {
  assert.ok(texts)
  return JSON.parse(texts.join('')) as Record<string, unknown>
}

describe('the rows of a shard', () => {
  for (const count of [0, 1, PAGE_ROWS - 1, PAGE_ROWS, PAGE_ROWS + 1, 4 * PAGE_ROWS]) {
    it(`are sent in pages, none larger than ${PAGE_ROWS}: ${count} of them`, async () => {
      const roster = Array.from({ length: count }, (_, number) => subscriber(number, 5000 + number))
      const parts = await partsOf(2, new Set(roster))
      assert.ok(parts.every(({ rows }) => rows.length <= PAGE_ROWS))
      assert.ok(parts.every(({ shard, last }, index) => shard === 2 && last === !parts[index + 1]))
      assert.deepEqual(
        parts.flatMap(({ createdAt }) => createdAt),
        roster.map(({ createdAt }) => createdAt),
      )
      const paths = parts.flatMap(({ rows }) => rows.map((row) => JSON.parse(row).request_path))
      assert.deepEqual(
        paths,
        roster.map(({ identity }) => identity.requestPath),
      )
    })
  }

  it('are as of their turn: who has gone by then is not among them, and who came is', async () => {
    const roster = new Set(Array.from({ length: 300 }, (_, number) => subscriber(number, number)))
    const sent = partsOf(0, roster)
    const all = [...roster]
    roster.delete(all[299] as Subscriber)
    roster.delete(all[0] as Subscriber)
    roster.add(subscriber(300, 300))
    const times = (await sent).flatMap(({ createdAt }) => createdAt)
    assert.deepEqual(times, [...Array.from({ length: 299 }, (_, number) => number), 300])
  })
})

describe('the status document', () => {
  for (const count of [0, 1, 249, 250, 251, 499, 500, 501, 1000]) {
    it(`is JSON in pages with all ${count} connections, oldest first`, async () => {
      // Of three shards, one without any. Times go up in each, and several are the same.
      const rosters: [Set<Subscriber>, Set<Subscriber>, Set<Subscriber>] = [
        new Set(),
        new Set(),
        new Set(),
      ]
      for (let number = 0; number < count; number++) {
        rosters[number % 3 === 0 ? 0 : 2].add(subscriber(number, 1000 * Math.floor(number / 5)))
      }
      const { desk, ask: number, texts } = ask()
      desk.receive({ type: 'expect', ask: number, shards: [0, 1, 2], state })
      const model: { number: number; shard: number; second: number }[] = []
      for (const [shard, roster] of rosters.entries()) {
        for (const { sent, createdAt } of roster) {
          model.push({ number: sent, shard, second: createdAt / 1000 })
        }
        for (const part of await partsOf(shard, roster)) {
          assert.equal(texts(), undefined, 'not before the last page')
          desk.receive({ type: 'part', ask: number, part })
        }
      }
      const made = texts()
      assert.ok(made)
      assert.equal(made.length, Math.max(1, Math.ceil(count / 250)))
      for (const text of made) assert.ok(text.split('"created_at"').length - 1 <= 250)
      // Sorting is stable: of one second, those of the lower shard are first.
      model.sort((one, other) => one.second - other.second)
      assert.deepEqual(
        documentOf(made)['connections'],
        model.map(({ number, shard, second }) => ({
          request_path: `/subscribe/${number}`,
          namespace: '/subscribe',
          created_at: second,
          client_ip: '::1',
          user_agent: `"Agent" \\ ${number}\n\u2028 é😀`,
          msgs_sent: number,
          lag_bytes: 2,
          msgs_skipped: 1,
          shard,
        })),
      )
    })
  }

  it('is indented like one that was written in one go, whatever its length', async () => {
    for (const count of [0, 1, 251]) {
      const roster = Array.from({ length: count }, (_, number) => subscriber(number, number))
      const { desk, ask: number, texts } = ask()
      desk.receive({ type: 'expect', ask: number, shards: [0], state })
      for (const part of await partsOf(0, new Set(roster))) {
        desk.receive({ type: 'part', ask: number, part })
      }
      const text = (texts() ?? []).join('')
      assert.equal(text, `${JSON.stringify(JSON.parse(text), null, 2)}\n`)
    }
  })

  it('has what the state says, also of sources and rollups', (t) => {
    t.mock.timers.enable({ apis: ['Date', 'setTimeout'], now: 1_700_000_100_500 })
    const source = {
      name: 'redis',
      address: 'redis://u:***@h',
      isUp: false,
      since: 1_700_000_050_999,
      error: 'no "route"',
      connects: 2,
      received: 10,
      refused: 1,
      replaced: 4,
      dropped: 5,
    }
    const rollup = {
      from: '/raw',
      to: '/eps',
      everyMs: 17,
      counted: 8,
      skipped: 1,
      published: 2,
      flushedEarly: 1,
    }
    const sources = [source, { ...source, isUp: true, error: undefined }]
    const { desk, ask: number, texts } = ask()
    const whole = { ...state, sources, rollups: [rollup] }
    desk.receive({ type: 'expect', ask: number, shards: [], state: whole })
    const row = {
      name: 'redis',
      address: 'redis://u:***@h',
      state: 'down',
      since: 1_700_000_050,
      error: 'no "route"',
      connects: 2,
      msgs_received: 10,
      msgs_refused: 1,
      msgs_replaced: 4,
      msgs_dropped: 5,
    }
    assert.deepEqual(documentOf(texts()), {
      node: 'a "node"',
      status: 'OK',
      reported_at: 1_700_000_100,
      startup_time: 1_700_000_000,
      msgs_broadcast: 77,
      threads: 4,
      connections_open: 11,
      streams_refused: 5,
      connections_closed_unanswered: 6,
      streams_refused_by_address: 7,
      publishes_refused_by_address: 8,
      subscribers_closed_slow: 3,
      subscribers_closed_lag_bytes: 2,
      subscribers_closed_lag_seconds: 1,
      subscribers_skipped: 4,
      msgs_skipped: 40,
      shards_missing: [],
      sources: [row, { ...row, state: 'up', error: null }],
      rollups: [
        {
          from: '/raw',
          to: '/eps',
          every_ms: 17,
          msgs_counted: 8,
          msgs_skipped: 1,
          msgs_published: 2,
          flushed_early: 1,
        },
      ],
      slowest: [],
      slow_recently: [],
      connections: [],
    })
  })

  it('names the slowest of all shards, worst first, and the last that were closed or skipped', () => {
    const { desk, ask: number, texts } = ask()
    desk.receive({ type: 'expect', ask: number, shards: [0, 1], state })
    const row = { clientIp: '::1', userAgent: 'a', topic: '/t', skips: 0, skippedEvents: 0 }
    const slow = (shard: number, lagBytes: number, lagSeconds = 1): SlowRow => {
      return { ...row, shard, lagBytes, lagSeconds }
    }
    const record = (shard: number, at: number): SlowRecord => {
      return { ...slow(shard, 9), at: at * 1000, action: 'closed', reason: 'lag_bytes' }
    }
    const part = { kind: 'status', createdAt: [], rows: [], last: true } as const
    const many = Array.from({ length: SLOW_ROWS_MAX }, (_, index) => index + 1)
    const [even, odd] = [0, 1].map((rest) => many.filter((count) => count % 2 === rest))
    for (const [shard, counts] of [even, odd].entries()) {
      const slowest = (counts ?? []).map((count) => slow(shard, count))
      const recent = (counts ?? []).map((at) => record(shard, at))
      const extra = shard === 0 ? { slowest: [slow(0, 7, 5)], recent: [record(0, 0)] } : undefined
      const page = {
        slowest: [...slowest, ...(extra?.slowest ?? [])],
        recent: [...(extra?.recent ?? []), ...recent],
      }
      desk.receive({ type: 'part', ask: number, part: { ...part, shard, slow: page } })
    }
    const { slowest, slow_recently } = documentOf(texts()) as {
      slowest: { lag_bytes: number; lag_seconds: number }[]
      slow_recently: { at: number }[]
    }
    const worst = [...many.toReversed().slice(0, 13), 7].map((bytes) => bytes)
    assert.deepEqual(
      slowest.slice(0, 14).map((one) => one.lag_bytes),
      worst,
    )
    assert.deepEqual([slowest[13]?.lag_seconds, slowest[14]?.lag_seconds], [5, 1])
    assert.equal(slowest.length, SLOW_ROWS_MAX)
    assert.deepEqual(
      slow_recently.map(({ at }) => at),
      many,
    )
  })

  it('is made after two seconds of what is there, and names the shards that are missing', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const { desk, ask: number, texts } = ask()
    desk.receive({ type: 'expect', ask: number, shards: [0, 1, 2], state })
    const row = '{"n":1}'
    const page = { kind: 'status', createdAt: [1], rows: [row] } as const
    desk.receive({ type: 'part', ask: number, part: { ...page, shard: 1, last: true } })
    desk.receive({ type: 'part', ask: number, part: { ...page, shard: 2, last: false } })
    t.mock.timers.tick(1999)
    assert.equal(texts(), undefined)
    t.mock.timers.tick(1)
    const late = {
      type: 'part',
      ask: number,
      part: { ...page, shard: 0, last: true },
    } as const
    desk.receive(late)
    const made = documentOf(texts())
    assert.deepEqual(made['shards_missing'], [0, 2])
    assert.deepEqual(made['connections'], [{ n: 1 }, { n: 1 }])
    t.mock.timers.tick(10_000)
  })

  it('is made after two seconds of nothing where the hub does not answer', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const { texts } = ask()
    t.mock.timers.tick(2000)
    const made = documentOf(texts())
    assert.deepEqual([made['threads'], made['sources'], made['connections']], [0, [], []])
  })

  it('is not made before the hub has named the shards', () => {
    const { desk, ask: number, texts } = ask()
    const page = { kind: 'status', shard: 0, createdAt: [1], rows: ['1'] } as const
    desk.receive({ type: 'part', ask: number, part: { ...page, last: false } })
    assert.equal(texts(), undefined)
    desk.receive({ type: 'expect', ask: number, shards: [0], state })
    assert.equal(texts(), undefined)
    desk.receive({ type: 'part', ask: number, part: { ...page, last: true } })
    assert.deepEqual(documentOf(texts())['connections'], [1, 1])
  })

  it('of each of several asks has the answers to that one', () => {
    const asks: number[] = []
    const desk = new Desk((number) => asks.push(number))
    const [first, second] = [ask(desk), ask(desk)]
    assert.equal(new Set(asks).size, 2)
    const part = (shard: number, row: string): StatusPart => ({
      kind: 'status',
      shard,
      createdAt: [1],
      rows: [row],
      last: true,
    })
    const [one, two] = asks as [number, number]
    desk.receive({ type: 'expect', ask: one, shards: [0], state })
    desk.receive({ type: 'expect', ask: two, shards: [0], state })
    desk.receive({ type: 'part', ask: two, part: part(0, '"two"') })
    assert.deepEqual(documentOf(second.texts())['connections'], ['two'])
    assert.equal(first.texts(), undefined)
    desk.receive({ type: 'part', ask: 99, part: part(0, '"none"') })
    desk.receive({ type: 'part', ask: one, part: part(0, '"one"') })
    assert.deepEqual(documentOf(first.texts())['connections'], ['one'])
  })
})
