// A feed's log against the naive model: one string of everything that was ever appended.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Log } from '../../src/shard/log.ts'

const PERIOD = 251
const APPEND_BYTES_MAX = 300_000
const STEPS_MAX = 20
const period = Buffer.from(Array.from({ length: PERIOD }, (_, index) => index))
const pattern = Buffer.alloc(PERIOD + APPEND_BYTES_MAX * STEPS_MAX, period)

/** What stands at these positions: a byte at a wrong place shows. */
function patterned(from: number, length: number): Buffer {
  const start = from % PERIOD
  return pattern.subarray(start, start + length)
}

interface Step {
  /** Bytes to append. */
  readonly append: number
  /** How far to release, as a share of what is held. */
  readonly release: number
  /** The range to look at, as shares of what is held. */
  readonly view: readonly [number, number]
}

const share = fc.oneof(
  { weight: 3, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(0, 1) },
)
const step: fc.Arbitrary<Step> = fc.record({
  append: fc.oneof(
    { weight: 5, arbitrary: fc.nat({ max: 50 }) },
    { weight: 5, arbitrary: fc.nat({ max: 5000 }) },
    { weight: 1, arbitrary: fc.constant(APPEND_BYTES_MAX) },
  ),
  release: share,
  view: fc.tuple(share, share),
})

describe('Log', () => {
  it('shows any range that is held, byte for byte, whatever was appended and released', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: STEPS_MAX }), (steps) => {
        const log = new Log()
        let head = 0
        let tail = 0
        for (const { append, release, view } of steps) {
          log.append(patterned(head, append))
          head += append
          const [from, to] = view
            .map((part) => tail + Math.floor(part * (head - tail)))
            .sort((one, other) => one - other) as [number, number]
          assert.equal(Buffer.compare(log.view(from, to), patterned(from, to - from)), 0)
          assert.equal(Buffer.compare(log.view(tail, head), patterned(tail, head - tail)), 0)
          tail += Math.floor(release * (head - tail))
          log.release(tail)
          assert.equal(log.head, head)
          assert.equal(log.heldBytes, head - tail)
          assert.equal(Buffer.compare(log.view(tail, head), patterned(tail, head - tail)), 0)
        }
      }),
    )
  })

  it('begins empty', () => {
    const log = new Log()
    assert.equal(log.head, 0)
    assert.equal(log.heldBytes, 0)
    assert.equal(log.view(0, 0).length, 0)
  })

  it('copies what is appended: the giver may use its buffer again', () => {
    const log = new Log()
    const bytes = Buffer.from('mine')
    log.append(bytes)
    bytes.fill(0)
    assert.equal(log.view(0, 4).toString(), 'mine')
  })

  it('has one stretch of memory that does not grow while all is released', () => {
    const log = new Log()
    const memory = new Set<ArrayBufferLike>()
    for (let turn = 0; turn < 1000; turn++) {
      log.append(patterned(log.head, 1000))
      memory.add(log.view(log.head - 1, log.head).buffer)
      log.release(log.head)
    }
    assert.equal(memory.size, 1)
  })

  it('moves what is held instead of growing for ever, when a little is always held', () => {
    const log = new Log()
    let largest = 0
    for (let turn = 0; turn < 1000; turn++) {
      log.append(patterned(log.head, 1000))
      largest = Math.max(largest, log.view(log.head - 1, log.head).buffer.byteLength)
      log.release(log.head - 1)
    }
    assert.ok(largest <= 16 * 1024, `${largest} bytes for 1001 that are held`)
  })

  it('gives a large buffer back once nobody needs its content', () => {
    const log = new Log()
    log.append(patterned(0, 1024 * 1024))
    const large = log.view(0, 1).buffer
    log.release(log.head)
    log.append(patterned(log.head, 10))
    const small = log.view(log.head - 10, log.head)
    assert.notEqual(small.buffer, large)
    assert.ok(small.buffer.byteLength <= 256 * 1024)
    assert.equal(Buffer.compare(small, patterned(1024 * 1024, 10)), 0)
  })
})
