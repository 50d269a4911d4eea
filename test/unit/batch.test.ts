// The batch writer against a naive list of frames: order, runs, and buffers of exactly their size.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type Batch, BatchWriter, RUN_FIELDS } from '../../src/event/batch.ts'

interface Run {
  readonly topic: string
  readonly events: number
  readonly text: string
}

function put(out: BatchWriter, topic: string, text: string): void {
  const bytes = Buffer.from(text)
  out.reserve(bytes.length)
  out.buffer.set(bytes, out.length)
  out.commit(topic, out.length + bytes.length)
}

/** The runs of a batch, each with its own text. */
function runsOf({ topics, runs, bytes }: Batch): Run[] {
  const found: Run[] = []
  let start = 0
  for (let run = 0; run < runs.length; run += RUN_FIELDS) {
    const [topic, events, length] = runs.subarray(run, run + RUN_FIELDS) as unknown as number[]
    const end = start + (length as number)
    const text = Buffer.from(bytes.subarray(start, end)).toString()
    found.push({ topic: topics[topic as number] as string, events: events as number, text })
    start = end
  }
  assert.equal(start, bytes.length, 'the runs cover all bytes')
  return found
}

/** What the runs must be: neighbours of one topic together. */
function merged(frames: readonly Run[]): Run[] {
  const runs: Run[] = []
  for (const { topic, events, text } of frames) {
    const last = runs.at(-1)
    if (last?.topic !== topic) runs.push({ topic, events, text })
    else runs.splice(-1, 1, { topic, events: last.events + events, text: last.text + text })
  }
  return runs
}

function assertOwnsWhole(array: Uint8Array | Uint32Array): void {
  assert.equal(array.byteOffset, 0)
  assert.equal(array.buffer.byteLength, array.byteLength)
}

const frame = fc.record({
  topic: fc.constantFrom('/', '/a', '/a/b', '/c'),
  events: fc.constant(1),
  text: fc.oneof(fc.string({ unit: 'grapheme' }), fc.constant('x'.repeat(9000))),
})
const frames = fc.array(frame, { maxLength: 20 })

function batchOf(rows: readonly Run[]): Batch {
  const out = new BatchWriter()
  for (const { topic, text } of rows) put(out, topic, text)
  return out.take()
}

describe('BatchWriter', () => {
  it('gives back all frames in order, neighbours of one topic as one run', () => {
    fc.assert(
      fc.property(frames, (rows) => {
        const batch = batchOf(rows)
        assert.deepEqual(runsOf(batch), merged(rows))
        assert.equal(new Set(batch.topics).size, batch.topics.length, 'topics are distinct')
        assertOwnsWhole(batch.bytes)
        assertOwnsWhole(batch.runs)
      }),
    )
  })

  it('appends batches and frames in the order in which they came, counting their events', () => {
    // A part is a batch of a shard (an array) or a frame of our own.
    const parts = fc.array(fc.oneof(frames, frame), { maxLength: 6 })
    fc.assert(
      fc.property(parts, (rows) => {
        const out = new BatchWriter()
        for (const part of rows) {
          if (Array.isArray(part)) out.append(batchOf(part))
          else put(out, part.topic, part.text)
        }
        assert.deepEqual(runsOf(out.take()), merged(rows.flat()))
      }),
    )
  })

  it('is empty after take, and a batch taken is not touched by the next', () => {
    const out = new BatchWriter()
    assert.equal(out.isEmpty, true)
    put(out, '/a', 'one')
    assert.equal(out.isEmpty, false)
    const first = out.take()
    assert.equal(out.isEmpty, true)
    assert.equal(out.length, 0)
    // The same topic again: it must not go on with a run, or a topic number, of the first batch.
    put(out, '/b', 'two')
    put(out, '/a', 'three')
    const second = out.take()
    assert.deepEqual(runsOf(first), [{ topic: '/a', events: 1, text: 'one' }])
    assert.deepEqual(second.topics, ['/b', '/a'])
    assert.deepEqual(
      runsOf(second).map((run) => run.text),
      ['two', 'three'],
    )
    put(out, '/a', 'four')
    assert.deepEqual(runsOf(out.take()), [{ topic: '/a', events: 1, text: 'four' }])
  })

  it('takes nothing from an empty batch, and an empty one is empty', () => {
    const out = new BatchWriter()
    const empty = out.take()
    assert.deepEqual(empty, { topics: [], runs: new Uint32Array(0), bytes: new Uint8Array(0) })
    out.append(empty)
    assert.equal(out.isEmpty, true)
  })

  it('counts a frame without bytes as an event', () => {
    const out = new BatchWriter()
    put(out, '/a', '')
    put(out, '/a', 'x')
    assert.deepEqual(runsOf(out.take()), [{ topic: '/a', events: 2, text: 'x' }])
  })

  it('overwrites what was reserved and written but not committed', () => {
    const out = new BatchWriter()
    out.reserve(6)
    out.buffer.write('dropped', 0)
    put(out, '/a', 'kept')
    assert.deepEqual(runsOf(out.take()), [{ topic: '/a', events: 1, text: 'kept' }])
  })

  it('keeps what is committed when the buffer grows, at its edge and past it', () => {
    const capacity = new BatchWriter().buffer.length
    for (const length of [capacity - 1, capacity, capacity + 1, capacity * 5]) {
      const rows = ['head', 'x'.repeat(length), 'tail'].map((text) => ({
        topic: '/a',
        events: 1,
        text,
      }))
      assert.deepEqual(runsOf(batchOf(rows)), merged(rows))
    }
  })

  it('gives a buffer of more than 1 MiB back after its batch, and keeps one of 1 MiB', () => {
    const out = new BatchWriter()
    const small = out.buffer.length
    put(out, '/a', 'x'.repeat(1024 * 1024))
    out.take()
    assert.equal(out.buffer.length, 1024 * 1024)
    put(out, '/a', 'x'.repeat(1024 * 1024 + 1))
    out.take()
    assert.equal(out.buffer.length, small)
  })
})
