// What becomes of Redis's messages, also of those that nobody should send, and what happens when
// Redis is killed, hangs, or sends more than can be delivered.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { describe, it } from 'node:test'
import { temporaryFolder } from '../kit/folder.ts'
import { Publisher } from '../kit/publisher.ts'
import { isReady, readiness, type SourceRow, sourceOf } from '../kit/ready.ts'
import { publishAll, type RedisServer, redisClient, startRedis } from '../kit/redis.ts'
import { type Server, sharedServer, startServer } from '../kit/server.ts'
import { RawSubscriber } from '../kit/subscriber.ts'
import { until } from '../kit/until.ts'

const SCORES = 'stream.score_updates'

// One Redis, and one server without options of its own, for the tests that stop neither. They come one
// after the other, so that no message of one is seen by another.
let sharedRedis: Promise<RedisServer> | undefined
function shareRedis(): Promise<RedisServer> {
  sharedRedis ??= startRedis()
  return sharedRedis
}
async function share(): Promise<Server> {
  const { url } = await shareRedis()
  return sharedServer(['--preset', 'emojitracker', '--threads', '2', '--redis-url', url])
}

type Counts = Pick<SourceRow, 'msgs_received' | 'msgs_refused' | 'msgs_replaced'>

/** What the server has counted since. */
async function countedSince(server: Server, before: Counts): Promise<Counts> {
  const now = await sourceOf(server)
  return {
    msgs_received: now.msgs_received - before.msgs_received,
    msgs_refused: now.msgs_refused - before.msgs_refused,
    msgs_replaced: now.msgs_replaced - before.msgs_replaced,
  }
}

async function start(redis: RedisServer, ...args: string[]): Promise<Server> {
  const env = { REDIS_URL: redis.url }
  return startServer(['--preset', 'emojitracker', '--threads', '2', ...args], { env })
}

async function open(server: Server, path: string): Promise<RawSubscriber> {
  return new RawSubscriber(server.port, path).opened()
}

/** A way to a Redis on which pings get lost. */
async function startDeaf(port: number): Promise<{ url: string; pings(): number; stop(): void }> {
  let pings = 0
  const proxy = createServer((socket) => {
    const redis = connect(port, '127.0.0.1')
    redis.pipe(socket)
    socket.on('data', (bytes) => {
      if (/PING/i.test(bytes.toString('latin1'))) pings++
      else redis.write(bytes)
    })
    for (const [one, other] of [[redis, socket] as const, [socket, redis] as const]) {
      one.on('error', () => {})
      one.on('close', () => other.destroy())
    }
  }).listen(0, '127.0.0.1')
  // A test that fails leaves it behind.
  proxy.unref()
  await once(proxy, 'listening')
  const { port: own } = proxy.address() as AddressInfo
  return { url: `redis://127.0.0.1:${own}`, pings: () => pings, stop: () => proxy.close() }
}

function residentMebibytes(health: string): number {
  return Number.parseInt((JSON.parse(health) as { sys: string }).sys, 10)
}

describe('the emojitracker feed', () => {
  it('is on the wire as its clients know it', async () => {
    const redis = await shareRedis()
    const server = await share()
    const raw = await open(server, '/subscribe/raw')
    const eps = await open(server, '/subscribe/eps')
    const details = await open(server, '/subscribe/details/2665')
    const others = await open(server, '/subscribe/details/266')
    const client = await redisClient(redis.url)
    const tweet = '{"id":"1","text":"♥ a\\nb"}'
    await client.publish(SCORES, '2665')
    await client.publish('stream.tweet_updates.2665', tweet)
    await client.publish('stream.tweet_updates.266', '{}')
    await client.publish('stream.score_updates.more', 'not ours')
    await client.publish(SCORES, '1F1FA-1F1F8')
    await Promise.all([raw.received(2), details.received(1), others.received(1)])
    // Two scores: in one period or in two.
    const packed = (): string[] => eps.events.flatMap((event) => event.slice(1, -1).split(','))
    await until(() => packed().length === 2, 'both are packed')
    assert.deepEqual(packed().sort(), ['"1F1FA-1F1F8":1', '"2665":1'])
    assert.match(raw.text, /^:ok\n\n\n?data: 2665\n\n\n?data: 1F1FA-1F1F8\n\n\n?$/)
    const frame = `event: stream.tweet_updates.2665\ndata: ${tweet}\n\n`
    assert.equal(details.text.replace(/^:ok\n\n\n?/, '').trimEnd(), frame.trimEnd())
    assert.deepEqual(others.events, ['{}'])
    for (const stream of [raw, eps, details, others]) {
      assert.ok(!/^id:/m.test(stream.text))
      stream.close()
    }
  })

  it('can be another one, by configuration', async () => {
    const redis = await shareRedis()
    const server = await startServer(
      [
        '--redis-subscriptions',
        JSON.stringify([
          { pattern: 'shop.?.order.*', topic: '/shops/{1}/orders', event: 'order-{2}' },
          { channel: 'news', topic: '/news' },
          { channel: 'news', topic: '/all/{channel}' },
        ]),
        '--rollups',
        '[{"from":"/shops","to":"/sales","everyMs":50,"key":"/item/name"}]',
      ],
      { env: { REDIS_URL: redis.url } },
    )
    const all = await open(server, '/subscribe/')
    const client = await redisClient(redis.url)
    await client.publish('shop.7.order.new', '{"item":{"name":"tea"}}')
    await client.publish('shop.8.order.paid', '{"item":{"name":"tea"}}')
    await client.publish('shop.77.order.paid', 'two digits')
    await client.publish('news', 'headline')
    await until(() => all.text.includes('{"tea":'), 'the sales are counted')
    await until(() => all.events.length >= 5, 'all events')
    assert.ok(all.text.includes('event: order-new\ndata: {"item":{"name":"tea"}}\n\n'))
    assert.ok(all.text.includes('event: order-paid\n'))
    assert.equal(all.events.filter((event) => event === 'headline').length, 2)
    assert.ok(!all.events.includes('two digits'))
    all.close()
    await server.stop()
  })
})

describe('a message', () => {
  it('over messageBytesMax is refused and counted; one at it, and those behind, arrive', async () => {
    const redis = await shareRedis()
    const server = await start(redis, '--message-bytes-max', '100000')
    const raw = await open(server, '/subscribe/raw')
    const client = await redisClient(redis.url)
    const whole = 'x'.repeat(100_000)
    await client.publish(SCORES, 'y'.repeat(10 * 1024 * 1024))
    await client.publish(SCORES, `${whole}x`)
    await client.publish(SCORES, whole)
    await client.publish(SCORES, 'last')
    await raw.received(2)
    assert.deepEqual(raw.events, [whole, 'last'])
    const { msgs_refused, msgs_received } = await sourceOf(server)
    assert.deepEqual([msgs_refused, msgs_received], [2, 2])
    const said = server.log.filter((line) => line.includes('message not taken'))
    assert.equal(said.length, 1, 'one line for both')
    assert.match(said[0] as string, /"too_large".*10485760 bytes, limit 100000/)
    raw.close()
    await server.stop()
  })

  it('of 10 MiB arrives where messageBytesMax lets it', async () => {
    const redis = await shareRedis()
    const limits = ['--message-bytes-max', '16777216', '--lag-bytes-max', '67108864']
    const server = await start(redis, ...limits)
    const details = await open(server, '/subscribe/details')
    const large = `"${'é'.repeat(5 * 1024 * 1024)}"`
    await (await redisClient(redis.url)).publish('stream.tweet_updates.1', large)
    await details.received(1, 30_000)
    assert.equal(details.events[0], large)
    details.close()
    await server.stop()
  })

  it('with bytes that are not UTF-8 arrives with U+FFFD in their place, and is counted', async () => {
    const redis = await shareRedis()
    const server = await share()
    const before = await sourceOf(server)
    const raw = await open(server, '/subscribe/raw')
    const client = await redisClient(redis.url)
    const bytes = Buffer.from([0x61, 0xff, 0xfe, 0x00, 0x62, 0xc3])
    await client.publish(SCORES, bytes)
    await client.publish(SCORES, 'a\r\nb\rc\nd')
    await client.publish(SCORES, '')
    await raw.received(3)
    assert.deepEqual(raw.events, ['a\u{fffd}\u{fffd}\u0000b\u{fffd}', 'a\nb\nc\nd', ''])
    const { msgs_replaced, msgs_received, msgs_refused } = await countedSince(server, before)
    assert.deepEqual([msgs_replaced, msgs_received, msgs_refused], [1, 3, 0])
    raw.close()
  })

  it('on a channel that makes no topic or no event name is refused and counted', async () => {
    const redis = await shareRedis()
    const server = await share()
    const before = await sourceOf(server)
    const all = await open(server, '/subscribe/')
    const client = await redisClient(redis.url)
    const bad = ['..', 'a/../b', 'a\nb', 'x'.repeat(300), 'x'.repeat(2000), 'a/'.repeat(17)]
    for (const name of bad) await client.publish(`stream.tweet_updates.${name}`, 'bad')
    const notText = Buffer.concat([Buffer.from('stream.tweet_updates.'), Buffer.from([0xff])])
    await client.publish(notText as unknown as string, 'bad')
    await client.publish('stream.tweet_updates.a/b', 'good')
    await client.publish('stream.tweet_updates.', 'root')
    await all.received(2)
    assert.deepEqual(all.events, ['good', 'root'])
    assert.equal((await countedSince(server, before)).msgs_refused, bad.length + 1)
    all.close()
  })
})

describe('Redis killed with kill -9 under load and started again', () => {
  it('is back by itself; /ready tells the truth; HTTP publishing and streams never stop', async () => {
    const redis = await startRedis()
    const server = await start(redis)
    const readers = await Promise.all(
      Array.from({ length: 20 }, () => open(server, '/subscribe/raw')),
    )
    const pets = await open(server, '/subscribe/pets')
    const publisher = new Publisher(server.port, '/publish/pets')
    let posted = 0
    const posting = publisher.run(() => `${posted++}`)

    let count = 0
    let isFeeding = true
    const feed = async (url: string): Promise<void> => {
      const client = await redisClient(url)
      while (isFeeding) {
        const batch = Array.from({ length: 50 }, () => `${count++}`)
        await publishAll(client, SCORES, batch)
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    }
    const first = feed(redis.url).catch(() => {})
    await readers[0]?.received(1000)

    const killedAt = Math.floor(Date.now() / 1000)
    await redis.stop('SIGKILL')
    isFeeding = false
    await first
    await until(async () => !(await isReady(server)), 'it is not ready')
    const [, body] = await readiness(server)
    assert.equal(body.reason, 'source_down')
    assert.ok(Math.abs((body.sources[0]?.since ?? 0) - killedAt) <= 2, 'it says since when')
    const down = await sourceOf(server)
    assert.equal(down.state, 'down')
    assert.match(`${down.error}`, /ECONNREFUSED|closed/)
    const postedWhileDown = posted
    await until(() => posted > postedWhileDown + 100, 'HTTP publishing goes on')

    const again = await startRedis([], redis.port)
    await until(() => isReady(server), 'it is ready')
    assert.equal((await sourceOf(server)).connects, 2)
    isFeeding = true
    const firstBack = count
    const second = feed(again.url)
    await until(() => count > firstBack + 1000, 'it feeds')
    isFeeding = false
    await second
    const last = `${count - 1}`
    await Promise.all(readers.map(({ events }) => until(() => events.at(-1) === last, 'the last')))

    for (const { events } of readers) assert.deepEqual(events, readers[0]?.events)
    const numbers = readers[0]?.events.map(Number) ?? []
    assert.deepEqual(
      numbers,
      [...new Set(numbers)].sort((a, b) => a - b),
      'in order, none twice',
    )
    assert.deepEqual(
      numbers.filter((number) => number >= firstBack),
      Array.from({ length: count - firstBack }, (_, index) => firstBack + index),
      'everything since it is back',
    )
    publisher.stop()
    await posting
    assert.deepEqual([...publisher.refused], [], 'every post was answered 200')
    await pets.received(publisher.accepted.length)
    assert.deepEqual(pets.events, publisher.accepted)
    for (const reader of readers) reader.close()
    pets.close()
    assert.equal(await server.stop(), 0)
    await again.stop()
  })
})

// They wait for the clock, each with a Redis and a server of its own. Those that must not be lost have
// a limit that a busy machine keeps too.
describe('Redis that hangs', { concurrency: true }, () => {
  it('counts as lost after sourceTimeoutSeconds, and comes back when it wakes', async () => {
    const redis = await startRedis()
    const server = await start(redis, '--source-timeout-seconds', '1')
    assert.ok(await isReady(server))
    redis.process.kill('SIGSTOP')
    await until(async () => (await sourceOf(server)).state === 'down', 'it is down')
    await until(async () => `${(await sourceOf(server)).error}`.includes('within 1 s'), 'why')
    redis.process.kill('SIGCONT')
    await until(() => isReady(server), 'it is up', 15_000)
    const raw = await open(server, '/subscribe/raw')
    await (await redisClient(redis.url)).publish(SCORES, '2665')
    await raw.received(1)
    assert.deepEqual(raw.events, ['2665'], 'once, not once for each connection that there was')
    raw.close()
    assert.equal(await server.stop(), 0)
    await redis.stop()
  })

  it('is not lost while it is only quiet', async () => {
    const redis = await startRedis()
    const server = await start(redis, '--source-timeout-seconds', '4')
    const client = await redisClient(redis.url)
    const pings = async (): Promise<number> => {
      const stats = String(await client.info('commandstats'))
      return Number(/cmdstat_ping:calls=(\d+)/.exec(stats)?.[1] ?? 0)
    }
    // Two in each time limit.
    await until(async () => (await pings()) >= 6, 'three time limits have passed', 30_000)
    assert.equal((await sourceOf(server)).connects, 1)
    await server.stop()
    await redis.stop()
  })

  it('is not lost while it refuses PING, as one does that cannot save its data', async () => {
    const folder = temporaryFolder()
    const redis = await startRedis(['--dir', folder, '--save', '3600 1'])
    const server = await start(redis, '--source-timeout-seconds', '4')
    const raw = await open(server, '/subscribe/raw')
    const client = await redisClient(redis.url)
    await client.set('unsaved', '1')
    rmSync(folder, { recursive: true })
    await client.sendCommand(['BGSAVE'])
    const refused = async (): Promise<number> => {
      const stats = String(await client.info('errorstats'))
      return Number(/errorstat_MISCONF:count=(\d+)/.exec(stats)?.[1] ?? 0)
    }
    await until(async () => (await refused()) >= 3, 'three pings are refused', 30_000)
    await client.publish(SCORES, '2665')
    await raw.received(1)
    assert.equal((await sourceOf(server)).connects, 1)
    raw.close()
    assert.equal(await server.stop(), 0)
    // It does not end by itself without having saved.
    await redis.stop('SIGKILL')
  })

  it('is not lost while messages come, however late it answers, and is when none do', async (t) => {
    const redis = await startRedis()
    const deaf = await startDeaf(redis.port)
    const client = await redisClient(redis.url)
    // From before the server is there: nothing is quiet while it starts.
    const publishing = setInterval(() => void client.publish(SCORES, '2665').catch(() => {}), 10)
    t.after(() => clearInterval(publishing))
    const server = await start({ ...redis, url: deaf.url }, '--source-timeout-seconds', '4')
    await until(() => deaf.pings() >= 4, 'four pings, all without an answer', 30_000)
    const { connects, state } = await sourceOf(server)
    assert.deepEqual([connects, state], [1, 'up'])
    clearInterval(publishing)
    await until(async () => (await sourceOf(server)).connects > 1, 'it counts as lost')
    assert.equal(await server.stop(), 0)
    deaf.stop()
    await redis.stop()
  })
})

describe('a burst of 100,000 messages', () => {
  it('arrives whole and in order, counted whole, and memory stays bounded', async () => {
    const redis = await shareRedis()
    const server = await share()
    const readers = await Promise.all(
      Array.from({ length: 5 }, () => open(server, '/subscribe/raw')),
    )
    const eps = await open(server, '/subscribe/eps')
    const messages = Array.from({ length: 100_000 }, (_, index) => `${index}`)
    await publishAll(await redisClient(redis.url), SCORES, messages)
    await Promise.all(readers.map((reader) => reader.received(messages.length, 30_000)))
    for (const { events } of readers) assert.deepEqual(events, messages)
    const counted = (): number =>
      eps.events
        .flatMap((event) => Object.values(JSON.parse(event) as Record<string, number>))
        .reduce((sum, count) => sum + count, 0)
    await until(() => counted() === messages.length, 'all are counted')
    const health = await (await fetch(`${server.url}/health`)).text()
    assert.ok(residentMebibytes(health) < 400, health)
    for (const reader of [...readers, eps]) reader.close()
    // Nobody uses it after this.
    assert.equal(await server.stop(), 0)
  })

  it('that is more than can be delivered is dropped in part, counted, and memory is bounded', async () => {
    const redis = await startRedis(['--client-output-buffer-limit', 'pubsub', '0', '0', '0'])
    // Every event goes to 20 subscribers: 20 times what comes in.
    const server = await start(redis, '--backlog-bytes-max', '262144')
    const readers = await Promise.all(
      Array.from({ length: 20 }, () => open(server, '/subscribe/raw')),
    )
    const client = await redisClient(redis.url)
    let sent = 0
    const burst = async (): Promise<boolean> => {
      const numbers = Array.from({ length: 1000 }, () => sent++)
      const messages = numbers.map((number) => `${number}:${'x'.repeat(10_000)}`)
      await publishAll(client, SCORES, messages)
      return (await sourceOf(server)).msgs_dropped > 0
    }
    await until(burst, 'some are dropped', 30_000)
    const seen = async (): Promise<number> => {
      const { msgs_received, msgs_dropped } = await sourceOf(server)
      return msgs_received + msgs_dropped
    }
    await until(async () => (await seen()) === sent, 'all have come', 60_000)
    const { msgs_received } = await sourceOf(server)
    const health = await (await fetch(`${server.url}/health`)).text()
    assert.ok(residentMebibytes(health) < 700, health)
    await Promise.all(readers.map((reader) => reader.received(msgs_received, 60_000)))
    for (const { events } of readers) {
      assert.equal(events.length, msgs_received)
      assert.deepEqual(events, readers[0]?.events)
    }
    const numbers = readers[0]?.events.map((event) => Number.parseInt(event, 10)) ?? []
    assert.deepEqual(
      numbers,
      numbers.toSorted((a, b) => a - b),
      'in order',
    )
    assert.ok(server.log.some((line) => /message not taken/.test(line) && /overloaded/.test(line)))
    for (const reader of readers) reader.close()
    await server.stop()
    await redis.stop()
  })
})
