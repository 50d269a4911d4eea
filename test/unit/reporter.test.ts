// The report of the status: one at a time, a page a turn, and one log line for each change between
// failing and not.
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { pino } from 'pino'
import { reportStatus } from '../../src/ops/reporter.ts'
import type { StatusPages } from '../../src/ops/status.ts'

/** Pages of a status, as its document gives them: the last one is the return value. */
function* pagesOf(texts: readonly string[]): Generator<string, string> {
  yield* texts.slice(0, -1)
  return texts.at(-1) as string
}

interface Write {
  readonly text: string
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

interface Bench {
  /** Asks for the status that nobody has answered yet. */
  readonly asks: ((pages: StatusPages) => void)[]
  readonly writes: Write[]
  /** The log, as level and words. */
  readonly lines: string[]
  readonly stop: () => void
  /** Lets time pass, which the reporter waits by. */
  readonly pass: (ms: number) => Promise<void>
  /** Answers the oldest ask, and lets all pages be read. */
  readonly answer: (...texts: string[]) => Promise<void>
}

async function turns(count = 1): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

function start(t: TestContext, everySeconds = 5): Bench {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const asks: Bench['asks'] = []
  const writes: Write[] = []
  const lines: string[] = []
  const log = pino(
    {},
    {
      write: (json: string) => {
        const { level, msg, error } = JSON.parse(json)
        lines.push([pino.levels.labels[level], msg, error].filter(Boolean).join(' '))
      },
    },
  )
  const write = (text: string): Promise<void> =>
    new Promise((resolve, reject) => writes.push({ text, resolve, reject }))
  return {
    asks,
    writes,
    lines,
    stop: reportStatus(everySeconds, (done) => asks.push(done), write, log),
    pass: async (ms) => {
      t.mock.timers.tick(ms)
      await turns()
    },
    answer: async (...texts) => {
      asks.shift()?.(pagesOf(texts))
      await turns(texts.length)
    },
  }
}

describe('the reporter', () => {
  it('asks at the end of each period, not before', async (t) => {
    const { asks, pass } = start(t)
    assert.equal(asks.length, 0)
    await pass(4999)
    assert.equal(asks.length, 0)
    await pass(1)
    assert.equal(asks.length, 1)
  })

  it('writes all pages as one text', async (t) => {
    const { writes, answer, pass } = start(t)
    await pass(5000)
    await answer('{"a":', '1', ',"b":2', '}\n')
    assert.deepEqual(
      writes.map(({ text }) => text),
      ['{"a":1,"b":2}\n'],
    )
  })

  it('writes a status of one page, and an empty last page', async (t) => {
    const { writes, answer, pass } = start(t)
    await pass(5000)
    await answer('{}')
    writes[0]?.resolve()
    await turns()
    await pass(5000)
    await answer('{}', '')
    assert.deepEqual(
      writes.map(({ text }) => text),
      ['{}', '{}'],
    )
  })

  it('reads one page a turn: 20,000 connections disturb no event', async (t) => {
    const { asks, writes, pass } = start(t)
    await pass(5000)
    let read = 0
    const pages: StatusPages = {
      next: () => ({ value: `${++read}`, done: read === 5 }) as IteratorResult<string, string>,
    }
    asks[0]?.(pages)
    for (let page = 1; page <= 5; page++) {
      assert.equal(read, page)
      assert.equal(writes.length, page === 5 ? 1 : 0)
      await turns()
    }
    assert.equal(writes[0]?.text, '12345')
  })

  it('does not ask again before the status is there', async (t) => {
    const { asks, writes, answer, pass } = start(t)
    await pass(5000)
    await pass(100_000)
    assert.equal(asks.length, 1)
    await answer('late')
    assert.equal(writes.length, 1)
  })

  it('never writes twice at once: it waits for the one before, and then for its period', async (t) => {
    const { asks, writes, answer, pass } = start(t)
    await pass(5000)
    await answer('one')
    await pass(5000)
    await pass(5000)
    assert.deepEqual([asks.length, writes.length], [0, 1])
    writes[0]?.resolve()
    await turns()
    assert.deepEqual([asks.length, writes.length], [0, 1])
    await pass(5000)
    await answer('two')
    assert.deepEqual(
      writes.map(({ text }) => text),
      ['one', 'two'],
    )
  })

  it('goes on after a failure', async (t) => {
    const { writes, answer, pass } = start(t)
    for (let report = 0; report < 3; report++) {
      await pass(5000)
      await answer(`${report}`)
      writes[report]?.reject(new Error('refused'))
      await turns()
    }
    assert.equal(writes.length, 3)
  })

  it('logs a failure once, another once, and once that there is none any more', async (t) => {
    const { lines, writes, answer, pass } = start(t)
    const outcomes: readonly [error: unknown, lines: readonly string[]][] = [
      [undefined, []],
      [undefined, []],
      [new Error('no route'), ['warn status not reported no route']],
      [new Error('no route'), []],
      [new TypeError('no route'), []],
      [new Error('refused'), ['warn status not reported refused']],
      ['in words', ['warn status not reported in words']],
      [undefined, ['info status reported again']],
      [undefined, []],
      [new Error('no route'), ['warn status not reported no route']],
    ]
    for (const [error, expected] of outcomes) {
      await pass(5000)
      await answer('{}')
      if (error === undefined) writes.at(-1)?.resolve()
      else writes.at(-1)?.reject(error)
      await turns()
      assert.deepEqual(lines.splice(0), expected)
    }
  })

  it('that is stopped asks no more', async (t) => {
    const { asks, stop, pass } = start(t)
    stop()
    await pass(100_000)
    assert.equal(asks.length, 0)
  })

  it('that is stopped writes no report that was under way', async (t) => {
    const { asks, writes, answer, stop, pass } = start(t)
    await pass(5000)
    stop()
    await answer('one', 'two')
    await pass(100_000)
    assert.deepEqual([asks.length, writes.length], [0, 0])
  })

  it('that is stopped while it reads pages writes none of them', async (t) => {
    const { asks, writes, stop, pass } = start(t)
    await pass(5000)
    asks[0]?.(pagesOf(['one', 'two', 'three']))
    stop()
    await turns(5)
    assert.equal(writes.length, 0)
  })

  it('that is stopped while it writes does not log that its connection was closed', async (t) => {
    const { lines, writes, answer, stop, pass } = start(t)
    await pass(5000)
    await answer('one')
    stop()
    writes[0]?.reject(new Error('closed'))
    await turns()
    assert.deepEqual(lines, [])
  })
})
