// The way in for events of the main thread: one batch for all of a turn, in their order, and none
// while subscribers wait.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Batch } from '../../src/event/batch.ts'
import { Inlet } from '../../src/hub/inlet.ts'

function textOf({ bytes }: Batch): string {
  return Buffer.from(bytes).toString()
}

interface Bench {
  readonly inlet: Inlet
  readonly batches: Batch[]
  readonly publish: (text: string, topic?: string) => boolean
  readonly state: { isOverloaded: boolean }
}

function start(): Bench {
  const batches: Batch[] = []
  const state = { isOverloaded: false }
  const inlet = new Inlet(
    (batch) => batches.push(batch),
    () => state.isOverloaded,
  )
  const publish = (text: string, topic = '/t'): boolean =>
    inlet.publish(topic, {}, Buffer.from(text))
  return { inlet, batches, publish, state }
}

/** Until all microtasks of now have run. */
async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

describe('the inlet', () => {
  it('hands over all events of a turn as one batch, in their order, with their fields', async () => {
    const { inlet, batches, publish } = start()
    assert.equal(publish('one', '/a'), true)
    assert.equal(inlet.publish('/b', { event: 'e', id: '7' }, Buffer.from('two\nlines')), true)
    assert.equal(publish('three', '/a'), true)
    assert.equal(batches.length, 0, 'not while its caller still runs')
    await turn()
    assert.equal(batches.length, 1)
    const [batch] = batches as [Batch]
    assert.deepEqual(batch.topics, ['/a', '/b'])
    const frames = [
      'data: one\n\n',
      'event: e\nid: 7\ndata: two\ndata: lines\n\n',
      'data: three\n\n',
    ]
    assert.equal(textOf(batch), frames.join(''))
    assert.deepEqual(
      [...batch.runs],
      frames.flatMap((frame, index) => [index % 2, 1, frame.length]),
    )
  })

  it('hands over before the next turn, in which the hub puts batches in order', async () => {
    const { batches, publish } = start()
    const seen: string[] = []
    publish('one')
    setImmediate(() => seen.push(batches.map(textOf).join('')))
    await turn()
    assert.deepEqual(seen, ['data: one\n\n'])
  })

  it('hands over the events of each turn by themselves, and nothing in a turn without', async () => {
    const { batches, publish } = start()
    publish('one')
    await turn()
    await turn()
    publish('two')
    await turn()
    assert.deepEqual(batches.map(textOf), ['data: one\n\n', 'data: two\n\n'])
  })

  it('drops events while subscribers wait, says so, and keeps those from before', async () => {
    const { batches, publish, state } = start()
    assert.equal(publish('before'), true)
    state.isOverloaded = true
    assert.equal(publish('dropped'), false)
    state.isOverloaded = false
    assert.equal(publish('after'), true)
    await turn()
    assert.deepEqual(batches.map(textOf), ['data: before\n\ndata: after\n\n'])
    state.isOverloaded = true
    assert.equal(publish('dropped'), false)
    await turn()
    assert.equal(batches.length, 1, 'nothing dropped is handed over')
  })

  it('hands over at once what is there when asked to, and not a second time', async () => {
    const { inlet, batches, publish } = start()
    inlet.flush()
    assert.equal(batches.length, 0)
    publish('one')
    inlet.flush()
    assert.deepEqual(batches.map(textOf), ['data: one\n\n'])
    inlet.flush()
    await turn()
    assert.equal(batches.length, 1)
  })

  it('hands over what comes after that in the same turn', async () => {
    const { inlet, batches, publish } = start()
    publish('one')
    inlet.flush()
    publish('two')
    publish('three')
    await turn()
    assert.deepEqual(batches.map(textOf), ['data: one\n\n', 'data: two\n\ndata: three\n\n'])
  })

  it('takes an event that comes of handing over, in a batch of its own', async () => {
    const batches: string[] = []
    const inlet: Inlet = new Inlet(
      (batch) => {
        if (batches.push(textOf(batch)) === 1) inlet.publish('/t', {}, Buffer.from('two'))
      },
      () => false,
    )
    inlet.publish('/t', {}, Buffer.from('one'))
    await turn()
    assert.deepEqual(batches, ['data: one\n\n', 'data: two\n\n'])
  })

  it('does not change a batch that it has handed over', async () => {
    const { inlet, batches, publish } = start()
    publish('one')
    inlet.flush()
    publish('two')
    await turn()
    assert.equal(textOf(batches[0] as Batch), 'data: one\n\n')
  })

  it('whatever happens in whichever order: what it took comes out once, in order', async () => {
    const step = fc.constantFrom('publish', 'flush', 'turn', 'overload', 'relief')
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const { inlet, batches, publish, state } = start()
        const taken: string[] = []
        for (const [index, name] of steps.entries()) {
          if (name === 'flush') inlet.flush()
          else if (name === 'turn') await turn()
          else if (name === 'publish') {
            const isTaken = publish(`${index}`)
            assert.equal(isTaken, !state.isOverloaded)
            if (isTaken) taken.push(`data: ${index}\n\n`)
          } else state.isOverloaded = name === 'overload'
        }
        await turn()
        assert.equal(batches.map(textOf).join(''), taken.join(''))
        assert.ok(batches.every((batch) => batch.bytes.length > 0))
      }),
    )
  })
})
