// Redis is killed and comes back, again and again, under load over HTTP: streams and publishing must not
// notice, and what Redis brings while it is there arrives whole and in order.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { createClient } from '@redis/client'
import { freePort } from '../../scripts/free-port.ts'
import { isReady } from '../kit/ready.ts'
import { RawSubscriber } from '../kit/subscriber.ts'
import type { Arena } from './kit/arena.ts'
import { scenario } from './kit/scenario.ts'

const READERS = 100
/** Events over HTTP while Redis is away. */
const EVENTS = 300
/** Messages of Redis each time that it is there. */
const MESSAGES = 500
const CHANNEL = 'stress'
const TOPIC = '/from-redis'

// Whatever ends the harness must not leave one behind.
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

interface Redis {
  readonly client: ReturnType<typeof clientOf>
  readonly process: ChildProcess
}

function clientOf(url: string) {
  return createClient({ url })
}

async function startRedis(port: number): Promise<Redis> {
  const flags = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--dir', tmpdir()]
  const child = spawn('redis-server', flags, { stdio: 'ignore' })
  running.add(child)
  child.once('close', () => running.delete(child))
  const client = clientOf(`redis://127.0.0.1:${port}`)
  // It does not listen yet; later, it is killed on purpose.
  client.on('error', () => {})
  await client.connect()
  return { client, process: child }
}

async function killRedis({ client, process: child }: Redis): Promise<void> {
  client.destroy()
  child.kill('SIGKILL')
  await once(child, 'close')
}

/** The server was told, and says. */
async function redisPortOf({ server }: Arena): Promise<number> {
  const response = await fetch(`${server.url}/admin/status.json`)
  const { sources } = (await response.json()) as { sources: { address: string }[] }
  return Number(new URL(sources[0]?.address ?? '').port)
}

export const redis = scenario({
  name: 'redis',
  says: 'Redis is killed and comes back, again and again',
  short: { losses: 2 },
  long: { losses: 60 },
  server: async () => ({
    args: [
      ...['--threads', '2', '--wait-for-source'],
      ...['--redis-subscriptions', JSON.stringify([{ channel: CHANNEL, topic: TOPIC }])],
    ],
    env: { REDIS_URL: `redis://127.0.0.1:${await freePort()}` },
  }),
  bounds: () => ({ residentMiBMax: 300, restingMiBMax: 250, descriptorsMax: 400 }),
  run: async (arena, { losses }) => {
    const { server } = arena
    const port = await redisPortOf(arena)
    await arena.open({ crowd: 'reader', count: READERS })
    const fromRedis = await new RawSubscriber(server.port, `/subscribe${TOPIC}`).opened()
    arena.publish({ authors: 4, perSecond: 400 })
    for (let loss = 0; loss < losses; loss++) {
      const redis = await startRedis(port)
      try {
        await arena.until(() => isReady(server), 'the server has its Redis')
        const messages = Array.from({ length: MESSAGES }, (_, n) => `${loss}.${n}`)
        await Promise.all(messages.map((message) => redis.client.publish(CHANNEL, message)))
        const goal = (loss + 1) * MESSAGES
        await arena.until(() => fromRedis.events.length >= goal, 'the messages of Redis')
        const got = fromRedis.events.slice(-MESSAGES).join()
        arena.must(got === messages.join(), `${MESSAGES} messages in order, got ${got}`)
      } finally {
        await killRedis(redis)
      }
      await arena.until(async () => !(await isReady(server)), 'the server has lost its Redis')
      await arena.published(EVENTS)
    }
    arena.must(!fromRedis.isClosed, 'the stream of what Redis brings stays open')
    fromRedis.close()
  },
})
