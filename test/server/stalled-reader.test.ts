// A subscriber that stops reading for longer than uWebSockets.js waits for a socket, and comes back.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { numbered, Publisher } from '../kit/publisher.ts'
import { startServer } from '../kit/server.ts'
import { RawSubscriber } from '../kit/subscriber.ts'
import { until } from '../kit/until.ts'

describe('a subscriber that does not read for a while', () => {
  it('may come back within its limits and gets everything, also after 10 s', async () => {
    const limits = ['--lag-bytes-max', '67108864', '--lag-seconds-max', '60']
    const server = await startServer(['--threads', '1', '--no-user-ip', ...limits])
    const reader = new RawSubscriber(server.port)
    await reader.opened()
    reader.socket.pause()
    const publisher = new Publisher(server.port)
    const body = numbered(0, 'x'.repeat(64 * 1024))
    let left = 300
    await publisher.run(() => (left-- > 0 ? body() : undefined))
    // uWebSockets.js would close a socket that takes nothing for 10 s: a time, because that is it.
    const begun = Date.now()
    await until(() => Date.now() - begun > 14_000 || reader.isClosed, 'uWS loses patience', 20_000)
    reader.socket.resume()
    await reader.received(300)
    assert.deepEqual(reader.events, publisher.accepted)
    reader.close()
    assert.equal(await server.stop(), 0)
  })
})
