// Somebody sets the clock, by hours: what the server does after some time, it does after that time.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Publisher } from '../kit/publisher.ts'
import { type Server, startServer } from '../kit/server.ts'
import { RawSubscriber } from '../kit/subscriber.ts'
import { until } from '../kit/until.ts'

const PRELOAD = new URL('../kit/clock-jump.mjs', import.meta.url).href
const HOUR_MS = 3_600_000
/** Together more than what sockets hold, so that a reader that has stopped has to be waited for. */
const LARGE_EVENTS = 100
const LARGE = JSON.stringify({ text: 'x'.repeat(100_000) })

const jumps = [
  ['forward', HOUR_MS],
  ['back', -HOUR_MS],
] as const

function start(jumpMs: number, ...args: string[]): Promise<Server> {
  return startServer(['--threads', '2', ...args], {
    env: { CLOCK_JUMP_MS: String(jumpMs) },
    nodeFlags: ['--import', PRELOAD],
  })
}

/** A subscriber that has stopped reading before events that it cannot hold. */
async function stalled(server: Server): Promise<RawSubscriber> {
  const reader = await new RawSubscriber(server.port).opened()
  reader.socket.pause()
  const publisher = new Publisher(server.port)
  let left = LARGE_EVENTS
  await publisher.run(() => (left-- > 0 ? LARGE : undefined))
  assert.equal(publisher.accepted.length, LARGE_EVENTS)
  return reader
}

async function clockOf(server: Server): Promise<number> {
  const health = (await (await fetch(`${server.url}/health`)).json()) as { timestamp: number }
  return health.timestamp
}

/** Sets the server's clock, and waits until it is. */
async function jump(server: Server, jumpMs: number): Promise<void> {
  server.process.kill('SIGUSR2')
  const isSet = async (): Promise<boolean> => {
    return Math.abs((await clockOf(server)) - Date.now() - jumpMs) < HOUR_MS / 2
  }
  await until(isSet, 'the clock is set')
}

// They wait for seconds, each with a server of its own.
describe('a server whose clock is set', { concurrency: true }, () => {
  for (const [way, jumpMs] of jumps) {
    describe(`a clock that is set ${way} by an hour`, { concurrency: true }, () => {
      it('takes no time from who is waited for at a stop', async () => {
        const server = await start(jumpMs, '--drain-seconds', '8')
        const reader = await stalled(server)
        const ended = server.stop()
        await until(() => server.log.some((line) => line.includes('"stopping"')), 'it stops')
        server.process.kill('SIGUSR2')
        reader.socket.resume()
        assert.equal(await ended, 0)
        await until(() => reader.isClosed, 'its stream is closed')
        assert.equal(reader.events.length, LARGE_EVENTS)
        assert.match(reader.text, /\nretry: \d+\n\n$/)
      })

      it('gives no more time to who takes nothing at a stop', async () => {
        const server = await start(jumpMs, '--drain-seconds', '1')
        const reader = await stalled(server)
        const ended = server.stop()
        await until(() => server.log.some((line) => line.includes('"stopping"')), 'it stops')
        server.process.kill('SIGUSR2')
        // By force, it would be a signal.
        assert.equal(await ended, 0)
        reader.close()
      })

      it('changes nothing for slow and idle subscribers', async () => {
        const server = await start(jumpMs, '--heartbeat-seconds', '1', '--lag-seconds-max', '8')
        const idle = await new RawSubscriber(server.port, '/subscribe/idle').opened()
        const slow = await stalled(server)
        await jump(server, jumpMs)
        const beats = (): number => idle.text.split('\n').filter((line) => line === ':').length
        const before = beats()
        await until(() => beats() >= before + 2, 'heartbeats go on', 10_000)
        const isClosed = (): boolean =>
          server.log.some((line) => line.includes('subscriber closed'))
        assert.ok(!isClosed(), 'closed too soon')
        await until(isClosed, 'the slow one is closed', 20_000)
        for (const reader of [idle, slow]) reader.close()
        assert.equal(await server.stop(), 0)
      })
    })
  }
})
