// The floor of the benchmark is a real server: what it sends is whole, in order and for everyone.
// Needs a C compiler and Linux, as the floor does.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { startFloor } from '../../bench/floor.ts'
import type { Peer } from '../../bench/peer.ts'
import { Connection } from '../kit/connection.ts'
import { post } from '../kit/raw.ts'
import { RawSubscriber } from '../kit/subscriber.ts'

describe('the floor', () => {
  let floor: Peer
  let port: number

  before(async () => {
    const started = await startFloor()
    assert.ok(started, 'the floor needs Linux and a C compiler: gcc and libc6-dev')
    floor = started
    port = Number(new URL(floor.subscribeUrl).port)
  })
  after(() => floor?.stop())

  it('says which process is it', () => {
    assert.match(readFileSync(`/proc/${floor.pid}/cmdline`, 'utf8'), /floor/)
  })

  it('sends each event to every subscriber, in one order, and answers 200', async () => {
    const subscribers = [new RawSubscriber(port), new RawSubscriber(port)]
    await Promise.all(subscribers.map((subscriber) => subscriber.opened()))
    const publisher = new Connection(port)
    const bodies = Array.from({ length: 100 }, (_, index) => `{"event":${index}}`)
    // Pipelined, and cut where it hurts: within a head, and within a body.
    const wire = Buffer.concat(bodies.map((body) => post('/api/events', body)))
    for (const [from, to] of [
      [0, 30],
      [30, wire.length - 5],
      [wire.length - 5, wire.length],
    ] as const) {
      await publisher.send(wire.subarray(from, to))
    }
    const answers = await publisher.answered(bodies.length)
    assert.ok(answers.every(({ status }) => status === 200))
    for (const subscriber of subscribers) {
      await subscriber.received(bodies.length)
      assert.deepEqual(subscriber.events, bodies)
      assert.match(subscriber.head, /Content-Type: text\/event-stream/)
      subscriber.close()
    }
    publisher.close()
  })

  it('keeps what a slow subscriber has not taken, and holds up nobody', async () => {
    const slow = await new RawSubscriber(port).opened()
    const quick = await new RawSubscriber(port).opened()
    slow.socket.pause()
    const publisher = new Connection(port)
    // More than the kernel takes in for a socket that nobody reads, less than the floor keeps.
    const body = 'x'.repeat(64 * 1024)
    const count = 160
    for (let index = 0; index < count; index++) await publisher.send(post('/api/events', body))
    await publisher.answered(count)
    await quick.received(count)
    slow.socket.resume()
    await slow.received(count)
    assert.ok(slow.events.every((event) => event === body))
    for (const one of [slow, quick, publisher]) one.close()
  })

  it('closes a subscriber that reads nothing, without harm to the others', async () => {
    const stalled = await new RawSubscriber(port).opened()
    const first = await new RawSubscriber(port).opened()
    stalled.socket.pause()
    const publisher = new Connection(port)
    const body = 'x'.repeat(512 * 1024)
    for (let count = 1; count <= 64; count++) {
      await publisher.send(post('/api/events', body))
      await first.received(count)
    }
    stalled.socket.resume()
    const last = await new RawSubscriber(port).opened()
    await publisher.send(post('/api/events', 'after'))
    await last.received(1)
    assert.equal(stalled.events.includes('after'), false)
    for (const one of [stalled, first, last, publisher]) one.close()
  })

  it('closes a connection whose request is too large, and answers 404 elsewhere', async () => {
    const lost = new Connection(port)
    await lost.send(Buffer.from('GET /nothing HTTP/1.1\r\nHost: test\r\n\r\n'))
    assert.equal((await lost.answered())[0]?.status, 404)
    await lost.send(Buffer.from('POST /api/events HTTP/1.1\r\ncontent-length: 9999999\r\n\r\n'))
    await lost.closed()
  })
})
