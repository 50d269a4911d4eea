// What the benchmark's load client is made of: how it finds its stamps in a stream, its histogram, and its
// options.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Body } from '../../bench/load/body.ts'
import { LatencyHistogram } from '../../bench/load/histogram.ts'
import { Scanner } from '../../bench/load/scanner.ts'
import { eventText, numberAt, putNumber, STAMP_DIGITS, STAMP_MARK } from '../../bench/load/stamp.ts'
import { readOptions } from '../../bench/option.ts'

const EVENT_BYTES = 100

describe('the search for stamps', () => {
  const COUNT = 20

  function wire(): Buffer {
    const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n:ok\n\n\r\n'
    const frames = Array.from({ length: COUNT }, (_, number) => {
      const event = Buffer.from(eventText(EVENT_BYTES))
      putNumber(event, 0, number * 1_234_567)
      return `data: ${event},"user_ip":"127.0.0.1"}\n\n`
    }).join('')
    // Chunks that end where no frame does.
    const chunks = frames.match(/.{1,157}/gs) ?? []
    return Buffer.from(
      head + chunks.map((text) => `${text.length.toString(16)}\r\n${text}\r\n`).join(''),
    )
  }

  it('finds every one, wherever reads and chunks end', () => {
    const bytes = wire()
    const expected = Array.from({ length: COUNT }, (_, number) => number * 1_234_567)
    for (let size = 1; size <= bytes.length; size++) {
      const scanner = new Scanner(STAMP_MARK, STAMP_DIGITS, EVENT_BYTES - 16)
      const body = new Body()
      const state = Scanner.state()
      const found: number[] = []
      for (let start = 0; start < bytes.length; start += size) {
        const end = scanner.readStart + bytes.copy(scanner.readBuffer, 0, start, start + size)
        const piece = { from: 0, to: scanner.readStart }
        while (body.next(scanner.bytes, piece, end)) {
          scanner.begin(state, piece.from, piece.to)
          for (let at = scanner.next(); at !== -1; at = scanner.next()) {
            found.push(numberAt(scanner.bytes, at, STAMP_DIGITS))
          }
          scanner.end(state)
        }
      }
      assert.deepEqual(found, expected, `reads of ${size} bytes`)
    }
  })
})

describe('the latency histogram', () => {
  it('keeps three digits, also when several are added up', () => {
    const parts = [new LatencyHistogram(), new LatencyHistogram()]
    for (let us = 0; us < 200_000; us++) parts[us % 2]?.record(us)
    const summary = new LatencyHistogram(parts.map((part) => part.toText())).summary()
    assert.ok(summary !== undefined)
    assert.equal(summary.count, 200_000)
    const { p50Ms, p99Ms, maxMs } = summary
    for (const [ms, expected] of [
      [p50Ms, 100],
      [p99Ms, 198],
      [maxMs, 200],
    ] as const) {
      assert.ok(Math.abs(ms / expected - 1) < 0.002, `${ms} instead of ${expected}`)
    }
    assert.equal(new LatencyHistogram().summary(), undefined)
  })
})

describe('the options', () => {
  const peer = 'mine,http://127.0.0.1:9/events,http://127.0.0.1:9/publish'

  it('choose cases by name or letter, and peers with or without addresses', () => {
    const args = ['--case', 'many-subscribers', '--case', 'g', '--peer', 'floor']
    const options = readOptions([...args, '--peer', `${peer},Authorization: Bearer a,b`])
    const names = options?.cases.map(({ name }) => name)
    assert.deepEqual(names, ['many subscribers', 'connect storm'])
    assert.deepEqual(options?.peers, [
      { name: 'floor' },
      {
        name: 'mine',
        subscribeUrl: 'http://127.0.0.1:9/events',
        publishUrl: 'http://127.0.0.1:9/publish',
        header: 'Authorization: Bearer a,b',
      },
    ])
  })

  for (const [args, message] of [
    [['--fast'], /Unknown option '--fast'/],
    [['--case', 'nosuch'], /there is no case nosuch; there are: fan-out, /],
    [['--seconds', '0'], /--seconds must be a whole number from 1 to 3600/],
    [['--rounds', '1.5'], /--rounds must be a whole number/],
    [['--peer', 'nobody'], /--peer must be floor or nchan, or name,subscribe-url/],
    [['--peer', 'a,https://a/,http://a/'], /"https:\/\/a\/" must be a URL that begins with http/],
    [['--peer', `${peer},nothing`], /the header must be "Name: value", not "nothing"/],
    [['--peer', peer, '--peer', peer], /mine is in the run already/],
  ] as const) {
    it(`refuse ${args.join(' ')}`, () => {
      assert.throws(() => readOptions(args), { name: 'UsageError', message })
    })
  }
})
