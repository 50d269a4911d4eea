// Rollups against naive counting: what of a batch is counted, under which key, when the counts go
// out, and that nothing is lost or counted twice.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createParser } from 'eventsource-parser'
import fc from 'fast-check'
import type { RollupRule } from '../../src/config/record.ts'
import { type Batch, BatchWriter, RUN_FIELDS } from '../../src/event/batch.ts'
import { type EventFields, writeEvent } from '../../src/event/frame.ts'
import { type RollupFigures, Rollups } from '../../src/rollup/rollup.ts'
import { FakeClock } from '../kit/clock.ts'

interface Event extends EventFields {
  readonly topic: string
  readonly data: string
}

/** A batch as publishers make it. */
function batchOf(events: readonly Event[]): Batch {
  const out = new BatchWriter()
  for (const event of events) writeEvent(out, event.topic, event, Buffer.from(event.data))
  return out.take()
}

interface Published {
  readonly topic: string
  readonly counts: string
}

/** The events of a batch, as a client reads them. */
function publishedIn({ topics, runs, bytes }: Batch): Published[] {
  const found: Published[] = []
  let start = 0
  for (let run = 0; run < runs.length; run += RUN_FIELDS) {
    const topic = topics[runs[run] as number] as string
    const end = start + (runs[run + 2] as number)
    const parser = createParser({
      onEvent: ({ data, event, id }) => {
        assert.deepEqual([event, id], [undefined, undefined])
        found.push({ topic, counts: data })
      },
    })
    parser.feed(Buffer.from(bytes.subarray(start, end)).toString())
    start = end
  }
  return found
}

interface Bench {
  readonly clock: FakeClock
  readonly rollups: Rollups
  readonly published: Published[]
  /** Shows a batch of these events. */
  readonly count: (...events: readonly Event[]) => void
  readonly figures: () => RollupFigures
}

function start(
  rollups: readonly RollupRule[],
  { keysMax = 100, bytesMax = 10_000, lateMs = (): number => 0 } = {},
): Bench {
  const clock = new FakeClock(1000.5, lateMs)
  const published: Published[] = []
  const config = { rollups, rollupKeysMax: keysMax, rollupBytesMax: bytesMax }
  const made = new Rollups(config, (batch) => published.push(...publishedIn(batch)), clock)
  return {
    clock,
    rollups: made,
    published,
    count: (...events) => made.count(batchOf(events)),
    figures: () => made.figures[0] as RollupFigures,
  }
}

function event(topic: string, data: string): Event {
  return { topic, data }
}

const ALL: RollupRule = { from: '/', to: '/sums', everyMs: 10 }
const KEYED: RollupRule = { ...ALL, key: '/k' }

/** What one period's counts of these texts are. */
function countsOf(rule: RollupRule, ...texts: readonly string[]): string | undefined {
  const { clock, count, published } = start([rule])
  count(...texts.map((text) => event('/t', text)))
  clock.pass(rule.everyMs)
  assert.ok(published.length <= 1)
  return published[0]?.counts
}

describe('a rollup', () => {
  it('publishes at the end of the period, once, and nothing where there was nothing', () => {
    const { clock, count, published } = start([ALL])
    assert.equal(clock.waiting, 0)
    count(event('/t', 'a'), event('/t', 'b'))
    count(event('/t', 'a'))
    clock.pass(9)
    assert.deepEqual(published, [])
    clock.pass(1)
    assert.deepEqual(published, [{ topic: '/sums', counts: '{"a":2,"b":1}' }])
    clock.pass(1000)
    assert.equal(published.length, 1)
    assert.equal(clock.dues.length, 1, 'an idle one has no timer')
    count(event('/t', 'c'))
    clock.pass(10)
    assert.deepEqual(published.slice(1), [{ topic: '/sums', counts: '{"c":1}' }])
  })

  it('counts the events of its topic and below, by whole segments', () => {
    const { clock, count, published } = start([{ ...ALL, from: '/a' }])
    for (const topic of ['/', '/a', '/a/b', '/a/b/c', '/ab', '/b', '/b/a']) {
      count(event(topic, topic))
    }
    clock.pass(10)
    assert.deepEqual(published, [{ topic: '/sums', counts: '{"/a":1,"/a/b":1,"/a/b/c":1}' }])
  })

  it('counts every run of a batch that has several topics, and no event of another', () => {
    const { clock, count, published } = start([{ ...ALL, from: '/a' }])
    const é = event('/b', 'é'.repeat(100))
    count(event('/a', 'é'), é, event('/a', '1'), event('/a', 'é'), é, event('/a/x', '2'))
    clock.pass(10)
    assert.deepEqual(published, [{ topic: '/sums', counts: '{"1":1,"2":1,"é":2}' }])
  })

  it('of several each has its own topics, keys and periods', () => {
    const { clock, count, published } = start([
      { from: '/', to: '/all', everyMs: 30 },
      { from: '/a', to: '/some', everyMs: 20, key: '/k' },
      { from: '/a', to: '/same', everyMs: 20 },
      { from: '/c', to: '/none', everyMs: 5 },
    ])
    count(event('/a', '{"k":1}'), event('/b', 'x'))
    clock.pass(29)
    assert.deepEqual(published, [
      { topic: '/some', counts: '{"1":1}' },
      { topic: '/same', counts: '{"{\\"k\\":1}":1}' },
    ])
    clock.pass(1)
    assert.deepEqual(published.slice(2), [{ topic: '/all', counts: '{"x":1,"{\\"k\\":1}":1}' }])
  })

  it('does not count what rollups publish, also where their topics would', () => {
    const { clock, count, published, rollups } = start([
      { from: '/', to: '/a/sums', everyMs: 10 },
      { from: '/a', to: '/b', everyMs: 10 },
    ])
    count(event('/a', 'x'))
    clock.pass(1000)
    assert.deepEqual(published.length, 2)
    assert.deepEqual(
      rollups.figures.map(({ counted }) => counted),
      [1, 1],
    )
  })

  it('writes its counts as one line of data and nothing else', () => {
    const batches: Batch[] = []
    const clock = new FakeClock()
    const config = { rollups: [ALL], rollupKeysMax: 9, rollupBytesMax: 99 }
    const rollups = new Rollups(config, (batch) => batches.push(batch), clock)
    rollups.count(batchOf([event('/t', 'a\r\nb')]))
    clock.pass(10)
    const [batch] = batches
    assert.ok(batch)
    assert.deepEqual(batch.topics, ['/sums'])
    assert.equal(Buffer.from(batch.bytes).toString(), 'data: {"a\\nb":1}\n\n')
    assert.deepEqual([...batch.runs], [0, 1, batch.bytes.length])
    assert.equal(batches.length, 1)
  })
})

describe('the key of an event', () => {
  it('is its data, whatever name, id and retry it has', () => {
    const { clock, count, published } = start([ALL])
    const fields = { event: 'data: e', id: '7', retry: '1' }
    count({ ...event('/t', 'a'), ...fields }, event('/t', 'a'), { ...event('/t', ''), ...fields })
    clock.pass(10)
    assert.deepEqual(published, [{ topic: '/sums', counts: '{"":1,"a":2}' }])
  })

  const texts: readonly [texts: readonly string[], counts: string, why: string][] = [
    [['a\nb', 'a\r\nb', 'a\rb'], '{"a\\nb":3}', 'lines are as a client reads them'],
    [['a', 'a\n', '\na', 'a\n\nb'], '{"\\na":1,"a":1,"a\\n":1,"a\\n\\nb":1}', 'empty lines count'],
    [['data: a', 'event: a', ':'], '{":":1,"data: a":1,"event: a":1}', 'what looks like a field'],
    [[' a', 'a ', 'a'], '{" a":1,"a":1,"a ":1}', 'spaces count'],
    [['\ufeffa', 'a'], '{"a":1,"\ufeffa":1}', 'a byte order mark counts'],
    [['__proto__', '10', '9'], '{"10":1,"9":1,"__proto__":1}', 'no key is special'],
  ]
  for (const [data, counts, why] of texts) {
    it(`${JSON.stringify(data)} → ${counts}: ${why}`, () => {
      assert.equal(countsOf(ALL, ...data), counts)
    })
  }

  const values: readonly [data: string, counts: string, why: string][] = [
    ['{"k":"x"}', '{"x":1}', 'a text is the key itself'],
    ['{"k":""}', '{"":1}', 'also an empty one'],
    ['{\n "k":\r\n"x"}', '{"x":1}', 'on several lines'],
    ['{"k":7}', '{"7":1}', 'a number is its JSON'],
    ['{"k":1.50}', '{"1.5":1}', 'a number as it is written shortest'],
    ['{"k":null}', '{"null":1}', 'null'],
    ['{"k":true}', '{"true":1}', 'true'],
    ['{"k":{"b":[1, 2]}}', '{"{\\"b\\":[1,2]}":1}', 'an object is its JSON without spaces'],
    ['{"k":"\\u0061"}', '{"a":1}', 'an escape is what it stands for'],
    ['{"k":"\\ud800"}', '{"\ufffd":1}', 'half a character has no UTF-8'],
  ]
  for (const [data, counts, why] of values) {
    it(`${JSON.stringify(data)} at /k → ${counts}: ${why}`, () => {
      assert.equal(countsOf(KEYED, data), counts)
    })
  }

  it('can be the whole document, or stand deeper in it', () => {
    assert.equal(countsOf({ ...ALL, key: '' }, '"x"', ' "x" ', 'x'), '{"x":2}')
    assert.equal(countsOf({ ...ALL, key: '/a/0/b~1c' }, '{"a":[{"b/c":"x"}]}'), '{"x":1}')
  })

  it('is one for texts that go out as the same UTF-8', () => {
    assert.equal(
      countsOf(KEYED, '{"k":"\\ud800"}', '{"k":"\\udfff"}', '{"k":"\ufffd"}'),
      '{"\ufffd":3}',
    )
  })

  const none = ['', 'x', '{"k":1', '{}', '[1]', '"k"', 'null', '{"K":1}', '{"a":{"k":1}}']
  for (const data of none) {
    it(`is not in ${JSON.stringify(data)} at /k: the event is skipped, and counted as such`, () => {
      const { clock, count, published, figures } = start([KEYED])
      count(event('/t', data))
      assert.equal(clock.waiting, 0)
      clock.pass(100)
      assert.deepEqual(published, [])
      const { counted, skipped } = figures()
      assert.deepEqual([counted, skipped], [0, 1])
    })
  }

  it('is not in what is nested too deep for its JSON to be written again', () => {
    const { count, figures } = start([KEYED])
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    count(event('/t', `{"k":${deep}}`), event('/t', deep), event('/t', '{"k":1}'))
    const { counted, skipped } = figures()
    assert.deepEqual([counted, skipped], [1, 2])
  })
})

describe('the bounds of a period', () => {
  it('publish the counts early at one key too many, which opens the next', () => {
    const { clock, count, published, figures } = start([ALL], { keysMax: 2 })
    count(...['a', 'b', 'a', 'c', 'a'].map((data) => event('/t', data)))
    assert.deepEqual(published, [{ topic: '/sums', counts: '{"a":2,"b":1}' }])
    clock.pass(10)
    assert.deepEqual(published.slice(1), [{ topic: '/sums', counts: '{"a":1,"c":1}' }])
    assert.equal(clock.dues.length, 1)
    assert.deepEqual(figures(), {
      from: '/',
      to: '/sums',
      everyMs: 10,
      counted: 5,
      skipped: 0,
      published: 2,
      flushedEarly: 1,
    })
  })

  it('publish the counts early at one byte too many', () => {
    const { clock, count, published, figures } = start([ALL], { bytesMax: 4 })
    count(...['éa', 'b', 'c', 'longer', 'd'].map((data) => event('/t', data)))
    clock.pass(10)
    assert.deepEqual(
      published.map(({ counts }) => counts),
      ['{"b":1,"éa":1}', '{"c":1}', '{"longer":1}', '{"d":1}'],
    )
    assert.equal(figures().flushedEarly, 3)
  })
})

describe('the end', () => {
  it('publishes at once what has been counted, and no timer is left', () => {
    const { clock, count, published, rollups } = start([ALL, { ...KEYED, to: '/k' }])
    count(event('/t', '{"k":1}'))
    clock.pass(3)
    rollups.finish()
    assert.equal(clock.waiting, 0)
    assert.deepEqual(published, [
      { topic: '/sums', counts: '{"{\\"k\\":1}":1}' },
      { topic: '/k', counts: '{"1":1}' },
    ])
    rollups.finish()
    clock.pass(100)
    assert.equal(published.length, 2)
  })

  it('publishes nothing where nothing was counted', () => {
    const { rollups, published } = start([ALL])
    rollups.finish()
    assert.deepEqual(published, [])
  })

  it('of none is nothing', () => {
    const { rollups, published, count } = start([])
    count(event('/t', 'a'))
    rollups.finish()
    assert.deepEqual(published, [])
    assert.deepEqual(rollups.figures, [])
  })
})

/** The key that an event has, found without any of ours; undefined where it has none. */
function keyModel(rule: RollupRule, data: string): string | undefined {
  const text = data.replace(/\r\n?/g, '\n')
  if (rule.key === undefined) return text
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    return undefined
  }
  const isObject = typeof document === 'object' && document !== null && !Array.isArray(document)
  const found = isObject
    ? Object.entries(document as object).find(([key]) => key === 'k')
    : undefined
  if (found === undefined) return undefined
  const [, value] = found
  return typeof value === 'string'
    ? Buffer.from(value).toString()
    : (JSON.stringify(value) as string)
}

interface Bounds {
  readonly keysMax: number
  readonly bytesMax: number
}

function add(sums: Map<string, number>, key: string, count: number): void {
  sums.set(key, (sums.get(key) ?? 0) + count)
}

function sorted(sums: ReadonlyMap<string, number>): [string, number][] {
  return [...sums].sort(([one], [other]) => (one < other ? -1 : 1))
}

/** What of one rule is to come, counted by hand, and what has come. */
class Ledger {
  readonly rule: RollupRule
  readonly #bounds: Bounds
  readonly #due = new Map<string, number>()
  readonly #paid = new Map<string, number>()
  #read = 0
  counted = 0
  skipped = 0
  published = 0

  constructor(rule: RollupRule, bounds: Bounds) {
    this.rule = rule
    this.#bounds = bounds
  }

  count({ topic, data }: Event): void {
    const { from } = this.rule
    if (from !== '/' && !`${topic}/`.startsWith(`${from}/`)) return
    const key = keyModel(this.rule, data)
    if (key === undefined) this.skipped++
    else {
      this.counted++
      add(this.#due, key, 1)
    }
  }

  /** Takes what was published since the last time, each with counts within the bounds. */
  read(published: readonly Published[]): void {
    const { keysMax, bytesMax } = this.#bounds
    for (const { topic, counts } of published.slice(this.#read)) {
      if (topic !== this.rule.to) continue
      this.published++
      const rows = Object.entries(JSON.parse(counts) as Record<string, number>)
      const bytes = Buffer.byteLength(rows.map(([key]) => key).join(''))
      assert.ok(rows.length >= 1 && rows.length <= keysMax)
      assert.ok(bytes <= bytesMax || rows.length === 1)
      for (const [key, count] of rows) add(this.#paid, key, count)
    }
    this.#read = published.length
    for (const [key, count] of this.#paid) assert.ok(count <= (this.#due.get(key) ?? 0), key)
  }

  /** Nothing is outstanding. */
  assertEven(): void {
    assert.deepEqual(sorted(this.#paid), sorted(this.#due))
  }
}

describe('whatever is published, and however time passes', () => {
  const rules: readonly RollupRule[] = [
    { from: '/', to: '/sums', everyMs: 10 },
    { from: '/a', to: '/a/keys', everyMs: 7, key: '/k' },
    { from: '/a/b', to: '/deep', everyMs: 25 },
    { from: '/c', to: '/c', everyMs: 1, key: '/k' },
  ]
  const EARLY_MS_MAX = 0.5
  const LATE_MS_MAX = 12
  const texts = ['', 'a', 'é😀', '7', '10', '__proto__', 'x\ny', 'x\r\ny', '\n', 'long'.repeat(9)]
  const values = ['"x"', '"7"', '7', 'null', '"__proto__"', '{"a":[]}', '"\\ud800"', '"\\n"', '\n1']
  const objects = values.map((value) => `{"k":${value}}`)
  const others = ['{}', '[{"k":1}]', '{"k":1,"k":"y"}', '{"k":']
  const anEvent: fc.Arbitrary<Event> = fc.record({
    topic: fc.constantFrom('/', '/a', '/a/b', '/a/b/c', '/ab', '/c', '/c/d'),
    data: fc.oneof(
      fc.constantFrom(...texts, ...objects, ...others),
      fc.string({ unit: 'grapheme' }),
    ),
    event: fc.constantFrom(undefined, 'e', 'data: '),
    id: fc.constantFrom(undefined, '1'),
  })
  // Quarters, which floating point adds without an error.
  const quarters = (max: number): fc.Arbitrary<number> => fc.nat({ max: max * 4 }).map((n) => n / 4)
  const step = fc.oneof(fc.array(anEvent, { maxLength: 8 }), quarters(60))
  const lates = quarters(LATE_MS_MAX).map((lateMs) => lateMs - EARLY_MS_MAX)
  const bounds = fc.record({
    keysMax: fc.constantFrom(1, 2, 3, 100),
    bytesMax: fc.constantFrom(1, 8, 40, 10_000),
  })

  it('the counts that go out add up to what was there: nothing lost, nothing twice', () => {
    const steps = fc.array(step, { maxLength: 30 })
    const lateness = fc.array(lates, { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(steps, bounds, lateness, (chosen, limits, late) => {
        let timer = 0
        const lateMs = (): number => late[timer++ % late.length] as number
        const { clock, count, published, rollups } = start(rules, { ...limits, lateMs })
        const ledgers = rules.map((rule) => new Ledger(rule, limits))
        for (const each of chosen) {
          if (typeof each === 'number') clock.pass(each)
          else {
            count(...each)
            for (const ledger of ledgers) for (const event of each) ledger.count(event)
          }
          for (const ledger of ledgers) {
            ledger.read(published)
            // Whoever waits for the period and for its timer has all of it.
            const periodMs = EARLY_MS_MAX + ledger.rule.everyMs + LATE_MS_MAX
            if (typeof each === 'number' && each >= periodMs) ledger.assertEven()
          }
        }
        rollups.finish()
        assert.equal(clock.waiting, 0)
        for (const [index, ledger] of ledgers.entries()) {
          ledger.read(published)
          ledger.assertEven()
          const figures = rollups.figures[index] as RollupFigures
          assert.equal(figures.counted, ledger.counted)
          assert.equal(figures.skipped, ledger.skipped)
          assert.equal(figures.published, ledger.published)
          assert.ok(figures.flushedEarly <= ledger.published)
        }
      }),
      { numRuns: 300 },
    )
  })
})
