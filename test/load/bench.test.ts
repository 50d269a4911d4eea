// The benchmark measures what it says: its load client finds losses, doubles and disorder, and does
// not hide a server that stalls; a run ends with results.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type FanOut, measureFanOut } from '../../bench/fanout.ts'
import { STAMP_MARK } from '../../bench/load/stamp.ts'
import type { Results } from '../../bench/result.ts'
import type { Figures } from '../../bench/window.ts'
import { startProgram } from '../kit/program.ts'

const MAIN = fileURLToPath(new URL('../../bench/main.ts', import.meta.url))
const EVENT_BYTES = 100
const RATE = 200
const WARM_AND_WINDOW_SECONDS = 1.5
const EVENTS = RATE * WARM_AND_WINDOW_SECONDS
const CORES = { server: 1, load: 1, loadList: '0', serverList: undefined }

const LOAD: FanOut = {
  selections: [{ path: '/events', count: 3, fromTopic: 0, toTopic: 1 }],
  stalled: 0,
  onlookers: { pages: 0, scrapesPerSecond: 0 },
  isAtOnce: false,
  eventsPerSecond: RATE,
  eventBytes: EVENT_BYTES,
  targets: ['/api/events'],
  weights: [1],
  connections: 2,
  seconds: 0.5,
}

/** How a server hands the n-th event to its subscribers. */
type Delivery = (frame: string, nth: number, subscribers: readonly ServerResponse[]) => void

const faithful: Delivery = (frame, _nth, subscribers) => {
  for (const subscriber of subscribers) subscriber.write(frame)
}

/** Measures a server of the test's own, which takes events in and delivers them like this. */
async function measure(
  t: TestContext,
  deliver: Delivery,
  isAnswered: (nth: number) => boolean = () => true,
): Promise<Figures> {
  const subscribers: ServerResponse[] = []
  let nth = 0
  const server = createServer(async (request, response) => {
    if (request.method === 'GET') {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(':ok\n\n')
      subscribers.push(response)
      return
    }
    let body = ''
    for await (const chunk of request) body += chunk
    if (isAnswered(nth)) response.end()
    deliver(`data: ${body}\n\n`, nth++, subscribers)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.closeAllConnections())
  t.after(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const peer = {
    name: 'test',
    subscribeUrl: `${url}/events`,
    publishUrl: `${url}/api/events`,
    stop: async () => {},
  }
  return measureFanOut(peer, LOAD, CORES)
}

// Each has a server of its own, and spends its time waiting: for the window's end, or for what is lost.
describe('the load client', { concurrency: 3 }, () => {
  it('counts every delivery of a faithful server, also where it cuts stamps in two', async (t) => {
    const figures = await measure(t, (frame, _nth, subscribers) => {
      const cut = frame.indexOf(STAMP_MARK) + 7
      for (const subscriber of subscribers) {
        subscriber.write(frame.slice(0, cut))
        subscriber.write(frame.slice(cut))
      }
    })
    const { lost, orderErrors, errors, closed, publishedPerSecond, latency } = figures
    assert.deepEqual(
      { lost, orderErrors, errors, closed },
      {
        lost: 0,
        orderErrors: 0,
        errors: 0,
        closed: 0,
      },
    )
    // Answers at either end of the window may come on its other side.
    assert.ok(Math.abs((publishedPerSecond ?? 0) - RATE) <= RATE / 20, `${publishedPerSecond}/s`)
    assert.equal(latency?.count, RATE * LOAD.seconds * 3)
  })

  it('finds what is lost', async (t) => {
    const { lost, orderErrors } = await measure(t, (frame, nth, subscribers) => {
      faithful(frame, nth, nth % 10 === 0 ? subscribers.slice(1) : subscribers)
    })
    assert.equal(lost, EVENTS / 10)
    assert.equal(orderErrors, 0)
  })

  it('does not let an event that came twice stand for one that was lost', async (t) => {
    let last = ''
    const { lost, orderErrors } = await measure(t, (frame, nth, subscribers) => {
      faithful(nth % 10 === 9 ? last : frame, nth, subscribers.slice(0, 1))
      faithful(frame, nth, subscribers.slice(1))
      last = frame
    })
    assert.equal(lost, EVENTS / 10)
    assert.equal(orderErrors, EVENTS / 10)
  })

  it('finds another order than on the other subscribers, across publishers too', async (t) => {
    let held = ''
    const { lost, orderErrors } = await measure(t, (frame, nth, subscribers) => {
      faithful(frame, nth, subscribers.slice(1))
      // The two publishers take turns: even numbers are one's, odd ones the other's, and each
      // one's own order stays as it is.
      const number = Number(/"s":"(\d+)/.exec(frame)?.[1])
      if (number % 2 === 0) held += frame
      else {
        faithful(frame + held, nth, subscribers.slice(0, 1))
        held = ''
      }
      if (nth === EVENTS - 1) faithful(`${held}:end\n\n`, nth, subscribers.slice(0, 1))
    })
    assert.equal(lost, 0)
    assert.ok(orderErrors !== undefined && orderErrors >= 1, `${orderErrors} order errors`)
  })

  it('says of a server that still delivers when it is given up that it is behind', async (t) => {
    const PACE_MS = 40
    const waiting: (() => void)[] = []
    const timer = setInterval(() => waiting.shift()?.(), PACE_MS)
    t.after(() => clearInterval(timer))
    const { lost, behind, unanswered } = await measure(t, (...delivery) => {
      waiting.push(() => faithful(...delivery))
    })
    assert.equal(lost, undefined)
    // 7 s at its pace are about half of them.
    assert.ok(behind !== undefined && behind > EVENTS && behind < EVENTS * 3, `${behind} behind`)
    assert.equal(unanswered, 0)
  })

  it('counts requests that are not answered', async (t) => {
    const few: Delivery = (frame, nth, subscribers) =>
      faithful(frame, nth, nth < 5 ? subscribers.slice(1) : subscribers)
    const { lost, errors, unanswered } = await measure(t, few, (nth) => nth < EVENTS - 3)
    // Five are lost to one; three came to it that count for nobody, as they had no answer.
    assert.deepEqual({ lost, errors, unanswered }, { lost: 2, errors: 0, unanswered: 3 })
  })

  it('counts latency from when events were due: a stall of 300 ms delays all of its time', async (t) => {
    const { latency } = await measure(t, (frame, nth, subscribers) => {
      // In the middle of the window; the load has threads of its own.
      if (nth === EVENTS - 80) {
        const end = performance.now() + 300
        while (performance.now() < end);
      }
      faithful(frame, nth, subscribers)
    })
    assert.ok(latency !== undefined)
    assert.ok(latency.maxMs >= 295, `max ${latency.maxMs} ms`)
    // 60 of the 100 events were due meanwhile. A client that waits would have one late event.
    assert.ok(latency.p50Ms >= 30, `p50 ${latency.p50Ms} ms`)
    assert.ok(latency.p97_5Ms >= 250, `p97.5 ${latency.p97_5Ms} ms`)
  })
})

describe('a run', () => {
  it('measures the built server, and writes results', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'carillon-bench-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const asked = ['--case', 'fan-out', '--seconds', '1', '--rounds', '1', '--out', folder]
    const run = startProgram(t, process.execPath, ['--import', 'tsx', MAIN, ...asked])
    assert.equal(await run.ended, 0, run.errors.join('\n'))
    const path = /wrote (.*\.json)$/m.exec(run.errors.join('\n'))?.[1]
    assert.ok(path !== undefined, run.errors.join('\n'))
    const { schema, measurements } = JSON.parse(readFileSync(path, 'utf8')) as Results
    assert.equal(schema, 1)
    const [measurement] = measurements
    const { server, lost, orderErrors, errors, latency } = measurement ?? {}
    assert.deepEqual(
      { server, lost, orderErrors, errors, count: latency?.count },
      {
        server: 'carillon',
        lost: 0,
        orderErrors: 0,
        errors: 0,
        count: 50_000,
      },
    )
  })
})
