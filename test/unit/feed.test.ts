// Feeds against a naive model: whatever the order of events, comings, goings, full sockets and
// slices, every subscriber gets its bytes once and in order, and only those that lag are closed.
import assert from 'node:assert/strict'
import { describe, it, mock } from 'node:test'
import { createParser } from 'eventsource-parser'
import fc from 'fast-check'
import { BatchWriter } from '../../src/event/batch.ts'
import type { SlowReason } from '../../src/hub/inquiry.ts'
import type { Feed, FeedContext } from '../../src/shard/feed.ts'
import { FeedIndex } from '../../src/shard/feed-index.ts'
import { Flusher } from '../../src/shard/flusher.ts'
import { Meter } from '../../src/shard/meter.ts'
import { Subscriber } from '../../src/shard/subscriber.ts'
import { FakeResponse } from '../kit/response.ts'

const LIMITS = {
  writeBytesMax: 64,
  lagBytesMax: 200,
  lagMsMax: 30_000,
  heartbeatMs: 15_000,
  lagPolicy: 'close' as FeedContext['lagPolicy'],
  announceSkips: false,
}
/** What a write costs on the world's clock: a slice of 2 ms holds a few. */
const WRITE_MS = 0.3

/** A frame that says which event it is. No LF in it, so that closing writes stand out. */
interface Frame {
  readonly topic: string
  readonly text: string
}

interface Client {
  readonly response: FakeResponse
  readonly subscriber: Subscriber
  readonly topic: string
  /** What the model says it must get. */
  expected: string
  expectedEvents: number
}

function matches(selection: string, topic: string): boolean {
  return selection === '/' || topic === selection || topic.startsWith(`${selection}/`)
}

/** A shard's feeds, with a clock and an event loop that only turn when told to. */
class World {
  readonly clients = new Set<Client>()
  /** Who was closed for lagging, and why. */
  readonly slow: [Subscriber, SlowReason][] = []
  /** Who was skipped, why, and past how many events. */
  readonly skipped: [Subscriber, SlowReason, number][] = []
  readonly left: Subscriber[] = []
  readonly index: FeedIndex
  nowMs = 0
  #flusher: Flusher
  #turns: (() => void)[] = []
  /** At the begin of a round: how much each client that is not full must have at its end. */
  #due = new Map<Client, number>()

  constructor(limits: Partial<typeof LIMITS> = {}) {
    const context: FeedContext = {
      ...LIMITS,
      ...limits,
      meter: new Meter(),
      dirty: (feed: Feed) => this.#flusher.add(feed),
      left: (subscriber: Subscriber, sent: number) => {
        assert.ok(sent >= 0)
        this.left.push(subscriber)
        this.index.dropIfEmpty(subscriber.feed)
      },
      slow: (subscriber: Subscriber, reason: SlowReason) => this.slow.push([subscriber, reason]),
      skipped: (...laggard) => this.skipped.push(laggard),
    }
    this.index = new FeedIndex(context)
    this.#flusher = new Flusher(
      () => this.#roundBegins(),
      () => this.#roundEnds(),
      () => {},
    )
  }

  /** Runs a test in this world: its clock and its event loop are the only ones there are. */
  static run(test: (world: World) => void, limits: Partial<typeof LIMITS> = {}): void {
    const world = new World(limits)
    const mocks = [
      mock.method(performance, 'now', () => world.nowMs),
      mock.method(Date, 'now', () => world.nowMs),
      mock.method(globalThis, 'setImmediate', (turn: () => void) => world.#turns.push(turn)),
    ]
    try {
      test(world)
    } finally {
      for (const mocked of mocks) mocked.mock.restore()
    }
  }

  get isIdle(): boolean {
    assert.equal(this.#flusher.isIdle, this.#turns.length === 0)
    return this.#flusher.isIdle
  }

  join(topic: string, room = Number.POSITIVE_INFINITY): Client {
    const response = new FakeResponse(room)
    response.onWrite = () => {
      this.nowMs += WRITE_MS
    }
    const identity = { requestPath: topic, clientIp: '', address: '', userAgent: '' }
    const feed = this.index.feedOf(topic)
    const subscriber = new Subscriber(response.asResponse, feed, identity)
    feed.join(subscriber)
    const client = { response, subscriber, topic, expected: '', expectedEvents: 0 }
    this.clients.add(client)
    return client
  }

  leave(client: Client): void {
    client.response.abort()
    this.clients.delete(client)
  }

  append(frames: readonly Frame[]): void {
    const out = new BatchWriter()
    for (const { topic, text } of frames) {
      out.reserve(text.length)
      out.commit(topic, out.length + out.buffer.write(text, out.length))
    }
    this.index.append(out.take())
    for (const client of this.clients) {
      for (const { topic, text } of frames) {
        if (!matches(client.topic, topic)) continue
        client.expected += text
        client.expectedEvents++
      }
    }
  }

  drain(client: Client, room: number): void {
    this.#due.delete(client)
    client.response.drain(room)
  }

  /** One turn of the event loop. */
  turn(): void {
    this.#turns.shift()?.()
  }

  /** Turns until nothing is left to do. */
  settle(): void {
    for (let turn = 0; !this.isIdle; turn++) {
      assert.ok(turn < 10_000, 'the flusher does not come to rest')
      this.turn()
    }
  }

  #roundBegins(): void {
    this.#due = new Map([...this.clients].map((client) => [client, client.expected.length]))
  }

  #roundEnds(): void {
    for (const [client, length] of this.#due) {
      if (!this.clients.has(client) || client.response.isFull) continue
      // Of a skipped one, only the test knows what it must have.
      if (client.subscriber.skips > 0) continue
      assert.ok(client.response.text.length >= length, 'a round left bytes of its begin behind')
    }
  }
}

interface Append {
  readonly kind: 'append'
  readonly frames: readonly { readonly topic: string; readonly size: number }[]
}
type Step =
  | Append
  | { readonly kind: 'join'; readonly topic: string; readonly rooms: readonly number[] }
  | { readonly kind: 'leave'; readonly who: number }
  | { readonly kind: 'drain'; readonly who: number; readonly room: number }
  | { readonly kind: 'turn' }

const ENDLESS = 1e9
const topic = fc.constantFrom('/', '/a', '/a/b', '/a/b/c', '/ab', '/x')
const room = fc.oneof(
  { weight: 3, arbitrary: fc.constant(ENDLESS) },
  { weight: 2, arbitrary: fc.constantFrom(0, 1, 20, 64, 65, 100, 300) },
)
const who = fc.nat()
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      frames: fc.array(fc.record({ topic, size: fc.integer({ min: 1, max: 90 }) }), {
        minLength: 1,
        maxLength: 4,
      }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('join' as const),
      topic,
      // More than are served between two looks at the clock: passes are cut anywhere.
      rooms: fc.array(room, { minLength: 1, maxLength: 48, size: 'max' }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('leave' as const), who }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('drain' as const), who, room }) },
  { weight: 4, arbitrary: fc.constant({ kind: 'turn' as const }) },
)

/** Applies one step; appends are numbered, so that no two frames are alike. */
function apply(world: World, step: Step, number: number): void {
  const { clients } = world
  if (step.kind === 'turn') world.turn()
  else if (step.kind === 'append') {
    const text = (size: number, index: number): string => `<${number}.${index}>`.padEnd(size, '-')
    world.append(step.frames.map(({ topic, size }, at) => ({ topic, text: text(size, at) })))
    expectLaggardsClosed(world, step)
  } else if (step.kind === 'join') for (const room of step.rooms) world.join(step.topic, room)
  else {
    const candidates = [...clients].filter(
      ({ response }) => step.kind === 'leave' || response.isFull,
    )
    const client = candidates[step.who % candidates.length]
    if (client === undefined) return
    if (step.kind === 'leave') world.leave(client)
    else world.drain(client, step.room)
  }
}

/**
 * After an append: of the full ones whose feed has grown, those beyond the limit are closed, and
 * nobody else. A feed that does not grow holds no more memory for its laggards than it did.
 */
function expectLaggardsClosed(world: World, { frames }: Append): void {
  const closed = new Map(world.slow.splice(0))
  for (const client of world.clients) {
    const { response, subscriber, expected } = client
    const hasGrown = frames.some((frame) => matches(client.topic, frame.topic))
    const isBeyond = expected.length - response.text.length > LIMITS.lagBytesMax
    assert.equal(response.isClosed, hasGrown && response.isFull && isBeyond)
    if (!response.isClosed) continue
    assert.equal(closed.get(subscriber), 'lag_bytes')
    closed.delete(subscriber)
    world.clients.delete(client)
  }
  assert.equal(closed.size, 0, 'each is told of once, and no other')
}

function expectPrefixes(world: World): void {
  for (const { response, subscriber, expected } of world.clients) {
    assert.ok(!response.isClosed, 'closed without a reason')
    assert.ok(expected.startsWith(response.text), `${response.text} does not begin ${expected}`)
    assert.equal(subscriber.lagBytes, expected.length - response.text.length)
  }
}

/** At rest, all that could take it have everything, ended for clients that want whole chunks. */
function expectComplete(world: World): void {
  world.settle()
  for (const { response, subscriber, expected, expectedEvents } of world.clients) {
    if (response.isFull) continue
    assert.equal(response.text, expected)
    assert.equal(subscriber.sent, expectedEvents)
    assert.equal(response.endsOpen, false, 'the last write was no closing write')
    assert.equal(subscriber.laggingSince, 0)
  }
  const topics = [...world.index].map((feed) => feed.topic)
  const listened = new Set([...world.clients].map((client) => client.topic))
  assert.deepEqual(new Set(topics), listened, 'feeds are those that somebody listens to')
}

describe('feeds under any sequence of what can happen', () => {
  it('give every subscriber its bytes once and in order, and close laggards only', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        World.run((world) => {
          steps.forEach((step, number) => {
            apply(world, step, number)
            expectPrefixes(world)
          })
          expectComplete(world)
          for (const client of world.clients) {
            if (client.response.isFull) world.drain(client, ENDLESS)
          }
          expectComplete(world)
        })
      }),
      { numRuns: 300 },
    )
  })
})

describe('a feed', () => {
  it('is for its topic and all below, by whole segments', () => {
    World.run((world) => {
      const clients = ['/', '/pets', '/pets/dogs', '/petshop'].map((topic) => world.join(topic))
      world.append([
        { topic: '/pets', text: '1' },
        { topic: '/pets/dogs', text: '2' },
        { topic: '/pets/dogs/rex', text: '3' },
        { topic: '/petshop', text: '4' },
        { topic: '/', text: '5' },
      ])
      world.settle()
      const got = clients.map(({ response }) => response.text)
      assert.deepEqual(got, ['12345', '123', '23', '4'])
    })
  })

  it('writes all that is pending at once, with its closing write', () => {
    World.run((world) => {
      const { response } = world.join('/a')
      for (const text of ['one', 'two', 'three']) world.append([{ topic: '/a', text }])
      assert.deepEqual(response.writes, [])
      world.settle()
      assert.deepEqual(response.writes, ['onetwothree', '\n'])
    })
  })

  it('writes at most writeBytesMax at a time, and the closing write after the last', () => {
    World.run((world) => {
      const { response } = world.join('/a')
      world.append([{ topic: '/a', text: 'x'.repeat(LIMITS.writeBytesMax * 2 + 1) }])
      world.settle()
      const sizes = response.writes.map((write) => write.length)
      assert.deepEqual(sizes, [64, 64, 1, 1])
    })
  })

  it('writes nothing more to a full socket, and goes on where it stopped when it has room', () => {
    World.run((world) => {
      const full = world.join('/a', 2)
      const other = world.join('/a')
      world.append([{ topic: '/a', text: 'one' }])
      world.settle()
      world.append([{ topic: '/a', text: 'two' }])
      world.settle()
      assert.equal(full.response.text, 'one')
      assert.equal(other.response.text, 'onetwo')
      assert.equal(full.subscriber.sent, 1)
      world.drain(full, ENDLESS)
      assert.equal(full.response.text, 'onetwo', 'at once, not in a later turn')
      assert.equal(full.subscriber.sent, 2)
    })
  })

  it('makes up for the closing write when the socket was filled by the last bytes', () => {
    World.run(
      (world) => {
        // More than shares a cork with its closing write.
        const text = 'x'.repeat(20_000)
        const { response } = world.join('/a', 19_999)
        world.append([{ topic: '/a', text }])
        world.settle()
        assert.deepEqual(response.writes, [text])
        response.drain(ENDLESS)
        assert.deepEqual(response.writes, [text, '\n'])
      },
      { writeBytesMax: 1e6, lagBytesMax: 1e6 },
    )
  })

  it('keeps a subscriber that lags by lagBytesMax, and closes it for one byte more', () => {
    World.run((world) => {
      const full = world.join('/a', 0)
      const fast = world.join('/a')
      world.append([{ topic: '/a', text: '!' }])
      world.settle()
      world.append([{ topic: '/a', text: 'x'.repeat(LIMITS.lagBytesMax) }])
      assert.equal(full.response.isClosed, false)
      world.append([{ topic: '/a', text: 'y' }])
      assert.equal(full.response.isClosed, true)
      assert.deepEqual(world.slow, [[full.subscriber, 'lag_bytes']])
      assert.deepEqual(world.left, [full.subscriber])
      world.settle()
      assert.equal(fast.response.text, `!${'x'.repeat(LIMITS.lagBytesMax)}y`)
    })
  })

  it('closes nobody whose socket takes bytes, however far the log has run ahead', () => {
    World.run((world) => {
      const { response } = world.join('/a')
      world.append([{ topic: '/a', text: 'x'.repeat(LIMITS.lagBytesMax * 3) }])
      world.settle()
      assert.equal(response.isClosed, false)
      assert.equal(response.text.length, LIMITS.lagBytesMax * 3)
    })
  })
})

describe('the tick of a feed', () => {
  const tick = (world: World, advanceMs: number): void => {
    world.nowMs += advanceMs
    for (const feed of world.index) feed.tick(world.nowMs)
    world.settle()
  }

  it('sends a comment when nothing was sent for heartbeatMs, which counts as no event', () => {
    World.run((world) => {
      const { response, subscriber } = world.join('/a')
      tick(world, LIMITS.heartbeatMs - 1)
      assert.equal(response.text, '')
      tick(world, 1)
      assert.equal(response.text, ':\n\n')
      assert.equal(subscriber.sent, 0)
      tick(world, LIMITS.heartbeatMs - 1)
      assert.equal(response.text, ':\n\n', 'the comment starts the time anew')
    })
  })

  it('sends no comment to a stream that has events', () => {
    World.run((world) => {
      const { response } = world.join('/a')
      for (let event = 0; event < 4; event++) {
        world.append([{ topic: '/a', text: 'e' }])
        tick(world, LIMITS.heartbeatMs - 10)
      }
      assert.equal(response.text, 'eeee')
    })
  })

  it('closes a subscriber whose socket stays full for longer than lagMsMax', () => {
    World.run((world) => {
      const { response, subscriber } = world.join('/a', 0)
      world.append([{ topic: '/a', text: 'x' }])
      world.settle()
      const waited = world.nowMs - subscriber.laggingSince
      tick(world, LIMITS.lagMsMax - waited)
      assert.equal(response.isClosed, false)
      tick(world, 1)
      assert.equal(response.isClosed, true)
      assert.deepEqual(world.slow, [[subscriber, 'lag_seconds']])
    })
  })

  it('starts the time anew for one that has caught up in between', () => {
    World.run((world) => {
      const client = world.join('/a', 0)
      world.append([{ topic: '/a', text: 'x' }])
      tick(world, LIMITS.lagMsMax - 1000)
      world.drain(client, ENDLESS)
      world.settle()
      client.response.room = 0
      world.append([{ topic: '/a', text: 'y' }])
      tick(world, LIMITS.lagMsMax - 1000)
      assert.equal(client.response.isClosed, false)
    })
  })

  it('does not start it anew for one that only takes a little of what it lacks', () => {
    World.run((world) => {
      const client = world.join('/a', 0)
      world.append([{ topic: '/a', text: 'x'.repeat(LIMITS.writeBytesMax * 3) }])
      world.settle()
      tick(world, LIMITS.lagMsMax - 1000)
      world.drain(client, 0)
      assert.ok(client.response.isFull)
      tick(world, 2000)
      assert.deepEqual(world.slow, [[client.subscriber, 'lag_seconds']])
    })
  })

  it('keeps full sockets from being closed by uWS, and those only', () => {
    World.run((world) => {
      const full = world.join('/a', 0)
      const fast = world.join('/a')
      world.append([{ topic: '/a', text: 'x' }])
      world.settle()
      for (const feed of world.index) feed.keepBlocked()
      assert.equal(full.response.kept, 1)
      assert.equal(fast.response.kept, 0)
    })
  })
})

describe('the flusher', () => {
  it('cuts a pass into slices, so that others are served in between', () => {
    World.run((world) => {
      const clients = Array.from({ length: 200 }, () => world.join('/a'))
      world.append([{ topic: '/a', text: 'x' }])
      world.turn()
      const served = clients.filter(({ response }) => response.text === 'x').length
      assert.ok(served > 0 && served < 50, `${served} of 200 in one slice`)
      world.settle()
      assert.ok(clients.every(({ response }) => response.text === 'x'))
    })
  })

  it('cuts it sooner where events are large', () => {
    const limits = { writeBytesMax: 262_144, lagBytesMax: 1_000_000 }
    World.run((world) => {
      const clients = Array.from({ length: 200 }, () => world.join('/a'))
      world.append([{ topic: '/a', text: 'x'.repeat(131_072) }])
      world.turn()
      const served = clients.filter(({ response }) => response.text !== '').length
      assert.ok(served > 0 && served < 10, `${served} of 200 in one slice`)
      world.settle()
      assert.ok(clients.every(({ response }) => response.text !== ''))
    }, limits)
  })

  it('gives a feed its turn while another is flooded', () => {
    World.run((world) => {
      for (let count = 0; count < 20; count++) world.join('/flood')
      const quiet = world.join('/quiet')
      world.append([{ topic: '/flood', text: 'x' }])
      world.append([{ topic: '/quiet', text: 'q' }])
      for (let turn = 0; turn < 20; turn++) {
        world.turn()
        world.append([{ topic: '/flood', text: 'x' }])
      }
      assert.equal(quiet.response.text, 'q')
    })
  })
})

/** Frames of real events, numbered; sizes so that writes and frames are cut anywhere. */
function eventFrame(number: number, size: number): string {
  return `data: <${number}>${'x'.repeat(size)}\ndata: \ndata: end\n\n`
}

/** What an EventSource makes of a stream: numbers of events, and counts of skipped ones. */
function parsed(text: string): (number | { readonly skipped: number })[] {
  const got: (number | { readonly skipped: number })[] = []
  const parser = createParser({
    onEvent: ({ event, data }) => {
      if (event === 'carillon.skipped') got.push({ skipped: JSON.parse(data).events })
      else {
        const [, number, padding, end] = /^<(\d+)>(x*)\n\n(end)$/.exec(data) ?? []
        assert.ok(end, `a torn event: ${data}`)
        assert.equal(padding?.length, sizeOf(Number(number)))
        got.push(Number(number))
      }
    },
    onError: (error) => assert.fail(error.message),
    onComment: (comment) => assert.match(comment, /^( ?skipped \d+ events)?$/),
  })
  parser.feed(text)
  return got
}

function sizeOf(number: number): number {
  return (number * 37) % 90
}

const SKIP = { lagPolicy: 'skip', announceSkips: true } as const

describe('under the policy skip', () => {
  it('every stream is whole events in order, and says exactly how many it lacks where', () => {
    const skipStep = fc.oneof(
      { weight: 6, arbitrary: fc.record({ events: fc.integer({ min: 1, max: 4 }) }) },
      { weight: 2, arbitrary: fc.record({ room }) },
      { weight: 3, arbitrary: fc.record({ who: fc.nat(), room }) },
      { weight: 1, arbitrary: fc.record({ waitMs: fc.constantFrom(1000, 16_000, 31_000) }) },
      { weight: 3, arbitrary: fc.constant({}) },
    )
    let skips = 0
    fc.assert(
      fc.property(fc.array(skipStep, { maxLength: 120, size: 'max' }), (steps) => {
        World.run((world) => {
          let number = 0
          const joinedAt = new Map<Client, number>()
          for (const step of steps) {
            if ('events' in step) {
              for (let count = 0; count < step.events; count++) {
                world.append([{ topic: '/a', text: eventFrame(number, sizeOf(number)) }])
                number++
              }
            } else if ('who' in step) {
              const full = [...world.clients].filter(({ response }) => response.isFull)
              const client = full[step.who % full.length]
              if (client !== undefined && !client.response.isClosed) world.drain(client, step.room)
            } else if ('room' in step) joinedAt.set(world.join('/a', step.room), number)
            else if ('waitMs' in step) {
              world.nowMs += step.waitMs
              for (const feed of world.index) feed.tick(world.nowMs)
            } else world.turn()
          }
          world.settle()
          for (const [client, from] of joinedAt) {
            if (client.response.isClosed) continue
            while (client.response.isFull) {
              world.drain(client, ENDLESS)
              world.settle()
            }
            let next = from
            for (const one of parsed(client.response.text)) {
              if (typeof one === 'number') assert.equal(one, next++)
              else next += one.skipped
            }
            assert.equal(next, number, 'up to the last event')
            const { sent, skippedEvents, lagBytes, laggingSince } = client.subscriber
            assert.equal(sent + skippedEvents, number - from)
            assert.deepEqual([lagBytes, laggingSince, client.response.endsOpen], [0, 0, false])
          }
          for (const [, reason] of world.slow) assert.equal(reason, 'lag_seconds')
          skips += world.skipped.length
        }, SKIP)
      }),
      { numRuns: 400 },
    )
    assert.ok(skips > 1000, `only ${skips} skips: the property shows little`)
  })

  it('a laggard keeps no log, and has its notice first when it has room again', () => {
    World.run((world) => {
      const full = world.join('/a', 0)
      const fast = world.join('/a')
      for (let number = 0; number < 50; number++) {
        world.append([{ topic: '/a', text: eventFrame(number, sizeOf(number)) }])
        world.settle()
        const held = [...world.index].map((feed) => feed.log.heldBytes)
        assert.ok(Math.max(...held) <= LIMITS.lagBytesMax + 150, `${held} bytes held`)
      }
      assert.equal(parsed(fast.response.text).length, 50)
      assert.ok(world.skipped.length > 5)
      assert.ok(full.subscriber.lagBytes <= LIMITS.lagBytesMax)
      world.drain(full, ENDLESS)
      world.settle()
      const [first, second] = parsed(full.response.text)
      assert.equal(first, 0)
      const last = world.skipped.reduce((sum, [, , events]) => sum + events, 0)
      assert.deepEqual(second, { skipped: last })
      assert.match(full.response.text, /\n\n: skipped \d+ events\n\nevent: carillon.skipped\n/)
    }, SKIP)
  })

  it('a comment alone says it where skips are not announced', () => {
    World.run(
      (world) => {
        const full = world.join('/a', 0)
        for (let number = 0; number < 10; number++) {
          world.append([{ topic: '/a', text: eventFrame(number, sizeOf(number)) }])
          world.settle()
        }
        world.drain(full, ENDLESS)
        assert.match(full.response.text, /\n\n: skipped \d+ events\n\n(data|$)/)
        assert.ok(!full.response.text.includes('event:'))
      },
      { lagPolicy: 'skip' },
    )
  })

  it('one that has taken nothing since it was skipped is closed after lagMsMax', () => {
    World.run((world) => {
      const { response, subscriber } = world.join('/a', 0)
      const tick = (ms: number): void => {
        world.nowMs += ms
        for (const feed of world.index) feed.tick(world.nowMs)
        world.settle()
      }
      world.append([{ topic: '/a', text: eventFrame(0, 10) }])
      world.settle()
      tick(LIMITS.lagMsMax + 1)
      assert.equal(world.skipped.length, 1)
      const since = world.nowMs
      // That it is skipped again meanwhile, for bytes, is no sign of life.
      for (let number = 1; number < 20; number++) {
        world.append([{ topic: '/a', text: eventFrame(number, sizeOf(number)) }])
        world.settle()
      }
      assert.ok(world.skipped.length > 1)
      tick(LIMITS.lagMsMax - (world.nowMs - since))
      assert.equal(response.isClosed, false)
      tick(2)
      assert.equal(response.isClosed, true)
      assert.deepEqual(world.slow, [[subscriber, 'lag_seconds']])
    }, SKIP)
  })

  it('one that takes a little now and then is skipped again, and stays', () => {
    World.run((world) => {
      const client = world.join('/a', 0)
      for (let period = 0; period < 5; period++) {
        world.append([{ topic: '/a', text: eventFrame(period, sizeOf(period)) }])
        world.settle()
        world.nowMs += LIMITS.lagMsMax + 1000
        for (const feed of world.index) feed.tick(world.nowMs)
        world.settle()
        world.drain(client, 0)
      }
      assert.equal(client.response.isClosed, false)
      assert.deepEqual(world.slow, [])
    }, SKIP)
  })
})
