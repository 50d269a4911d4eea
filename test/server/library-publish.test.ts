// The library: a program publishes, reads how its dispatcher does, and may have several of them.
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { CarillonError, type Config, carillon, type Dispatcher, type Publication } from 'carillon'
import { RawSubscriber } from '../kit/subscriber.ts'
import { until } from '../kit/until.ts'

const common: Partial<Config> = { host: '127.0.0.1', port: 0, threads: 2, logLevel: 'error' }

async function start(t: TestContext, options: Partial<Config> = {}): Promise<Dispatcher> {
  const dispatcher = await carillon({ ...common, ...options })
  t.after(() => dispatcher.close(0))
  return dispatcher
}

function refusal(dispatcher: Dispatcher, publication: object): string {
  try {
    dispatcher.publish(publication as Publication)
  } catch (error) {
    assert.ok(error instanceof CarillonError)
    assert.equal(error.code, 'bad_event')
    return error.message
  }
  assert.fail('published')
}

describe('publish', () => {
  it('reaches the subscribers of its topic and of those above, in one order with HTTP', async (t) => {
    const dispatcher = await start(t)
    const readers = await Promise.all(
      ['/subscribe/pets', '/subscribe/pets/dogs', '/subscribe/'].map((path) =>
        new RawSubscriber(dispatcher.port, path).opened(),
      ),
    )
    const [pets, dogs, all] = readers as [RawSubscriber, RawSubscriber, RawSubscriber]
    const corgi = { topic: '/pets/dogs', event: 'new-dog', id: '7', retry: 1500, data: 'Corgi' }
    assert.equal(dispatcher.publish(corgi), true)
    assert.equal(dispatcher.publish({ topic: 'pets/cats/', data: 'two\nlines' }), true)
    assert.equal(dispatcher.publish({ topic: '/petshop', data: Buffer.from('é😀') }), true)
    await all.received(3)
    await pets.received(2)
    const frame = 'event: new-dog\nid: 7\nretry: 1500\ndata: Corgi\n\n'
    assert.ok(dogs.text.includes(frame), dogs.text)
    assert.deepEqual(all.events, ['Corgi', 'two\nlines', 'é😀'])
    assert.deepEqual(pets.events, ['Corgi', 'two\nlines'])
    const response = await fetch(`${dispatcher.url}/publish/pets`, { method: 'POST', body: 'HTTP' })
    assert.equal(response.status, 200)
    // Its 200 came before its place in the order: what is published here might overtake it.
    await all.received(4)
    dispatcher.publish({ topic: '/pets', data: 'library' })
    await all.received(5)
    assert.deepEqual(all.events.slice(3), ['HTTP', 'library'])
    for (const reader of readers) reader.close()
  })

  it('refuses what no subscriber could read, by name, and publishes nothing of it', async (t) => {
    const dispatcher = await start(t, { threads: 1, bodyBytesMax: 10 })
    const reader = await new RawSubscriber(dispatcher.port, '/subscribe/').opened()
    const topic = '/a'
    assert.match(
      refusal(dispatcher, { topic: '/a/../b', data: '' }),
      /a segment that is \. or \.\./,
    )
    assert.match(refusal(dispatcher, { topic: '/x'.repeat(17), data: '' }), /17 segments, limit 16/)
    assert.match(
      refusal(dispatcher, { topic, data: '', event: 'a\nb' }),
      /event name has a line end/,
    )
    assert.match(
      refusal(dispatcher, { topic, data: '', id: 'x'.repeat(257) }),
      /257 bytes long, limit 256/,
    )
    assert.match(refusal(dispatcher, { topic, data: '', retry: -1 }), /retry must be digits/)
    assert.match(refusal(dispatcher, { topic, data: '', retry: 1.5 }), /retry must be digits/)
    assert.match(refusal(dispatcher, { topic, data: '\ud800' }), /lone surrogate/)
    assert.match(refusal(dispatcher, { topic, data: Uint8Array.of(0xff) }), /not valid UTF-8/)
    assert.match(refusal(dispatcher, { topic, data: { a: 1 } }), /a string or a Uint8Array/)
    assert.match(refusal(dispatcher, { topic, data: 'x'.repeat(11) }), /11 bytes, limit 10/)
    assert.equal(dispatcher.publish({ topic, data: 'x'.repeat(10) }), true)
    await reader.received(1)
    assert.deepEqual(reader.events, ['x'.repeat(10)])
    reader.close()
  })

  it('says false while subscribers wait for the server, and loses nothing that it took', async (t) => {
    const options = { threads: 1, backlogBytesMax: 262_144, lagBytesMax: 1_000_000_000 }
    const dispatcher = await start(t, options)
    const reader = await new RawSubscriber(dispatcher.port, '/subscribe/').opened()
    const taken: string[] = []
    let dropped = 0
    for (let round = 0; dropped === 0; round++) {
      assert.ok(round < 1000, 'never told to wait')
      for (let event = 0; event < 100; event++) {
        const data = `${round}.${event} ${'x'.repeat(10_000)}`
        if (dispatcher.publish({ topic: '/a', data })) taken.push(data)
        else dropped++
      }
      await new Promise((resolve) => setImmediate(resolve))
    }
    await reader.received(taken.length)
    assert.deepEqual(reader.events, taken)
    const isTaken = (): boolean => dispatcher.publish({ topic: '/a', data: 'again' })
    await until(isTaken, 'it takes events again')
    reader.close()
  })

  it('delivers what it took before close, and takes nothing after', async (t) => {
    const dispatcher = await start(t)
    const reader = await new RawSubscriber(dispatcher.port, '/subscribe/').opened()
    for (let n = 0; n < 100; n++) dispatcher.publish({ topic: '/a', data: `${n}` })
    const closed = dispatcher.close()
    assert.throws(
      () => dispatcher.publish({ topic: '/a', data: 'late' }),
      (error) => error instanceof CarillonError && error.code === 'stopped',
    )
    await closed
    await until(() => reader.isClosed, 'it is closed')
    assert.deepEqual(
      reader.events,
      Array.from({ length: 100 }, (_, n) => `${n}`),
    )
  })
})

describe('several dispatchers in one process', () => {
  it('know nothing of each other, and of the process they change nothing', async (t) => {
    const signals = ['SIGTERM', 'SIGINT', 'SIGHUP', 'uncaughtException', 'exit'] as const
    const listeners = (): number[] => signals.map((signal) => process.listenerCount(signal))
    const before = listeners()
    const one = await start(t, { threads: 1 })
    const other = await start(t, { threads: 1 })
    assert.deepEqual(listeners(), before)
    const readers = await Promise.all(
      [one, other].map(({ port }) => new RawSubscriber(port, '/subscribe/').opened()),
    )
    one.publish({ topic: '/a', data: 'one' })
    other.publish({ topic: '/a', data: 'other' })
    for (const reader of readers) await reader.received(1)
    assert.deepEqual(
      readers.map(({ events }) => events),
      [['one'], ['other']],
    )
    await one.close()
    other.publish({ topic: '/a', data: 'still there' })
    await readers[1]?.received(2)
    for (const reader of readers) reader.close()
  })
})

describe('stats', () => {
  it('are those of what happened', async (t) => {
    const dispatcher = await start(t)
    const readers = await Promise.all(
      [0, 1, 2].map(() => new RawSubscriber(dispatcher.port, '/subscribe/').opened()),
    )
    for (let n = 0; n < 5; n++) dispatcher.publish({ topic: '/a', data: 'x' })
    for (const reader of readers) await reader.received(5)
    const isTold = (): boolean => dispatcher.stats().counts.deliveries === 15
    await until(isTold, 'shards have reported')
    const { ready, reason, overloaded, events, levels, counts, sources } = dispatcher.stats()
    assert.deepEqual(
      { ready, reason, overloaded, events, sources },
      { ready: true, reason: 'ready', overloaded: false, events: 5, sources: [] },
    )
    assert.equal(levels.subscribers, 3)
    assert.equal(counts.streamsOpened, 3)
    for (const reader of readers) reader.close()
  })
})
