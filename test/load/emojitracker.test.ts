// The emojitracker day in small: the feeder at its usual rate and at 80 times that. What subscribers
// of /eps add up must be what those of /raw got, exactly, on every one of them.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { sourceOf } from '../kit/ready.ts'
import { type RedisServer, redisClient, startRedis } from '../kit/redis.ts'
import { startServer } from '../kit/server.ts'
import { RawSubscriber } from '../kit/subscriber.ts'
import { until } from '../kit/until.ts'

const SECONDS = 5
/** The period of the packed scores, in ms. */
const PERIOD_MS = 17
const EACH = 5

type Counts = Record<string, number>

/** Updates for some seconds, `rate` of them in each. */
async function feed(redis: RedisServer, rate: number): Promise<void> {
  const flags = ['--redis', redis.url, '--rate', `${rate}`, '--seconds', `${SECONDS}`]
  const argv = ['--import', 'tsx', 'scripts/feeder.ts', ...flags, '--seed', `${rate}`]
  const feeder = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'inherit'] })
  const [code] = await once(feeder, 'close')
  assert.equal(code, 0)
}

/** How many messages were published, as Redis counts them. */
async function publishedTo(redis: RedisServer): Promise<number> {
  const client = await redisClient(redis.url)
  return Number(/cmdstat_publish:calls=(\d+)/.exec(await client.info('commandstats'))?.[1])
}

function countsOf(ids: readonly string[]): Counts {
  const counts: Counts = {}
  for (const id of ids) counts[id] = (counts[id] ?? 0) + 1
  return counts
}

function sumOf(packed: readonly string[]): Counts {
  const sums: Counts = {}
  for (const event of packed) {
    for (const [id, count] of Object.entries(JSON.parse(event) as Counts)) {
      sums[id] = (sums[id] ?? 0) + count
    }
  }
  return sums
}

function total(counts: Counts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}

for (const rate of [250, 20_000]) {
  describe(`the feeder at ${rate} updates a second`, () => {
    it(`is for ${SECONDS} s on every /eps exactly what it is on every /raw`, async () => {
      const redis = await startRedis()
      const server = await startServer(['--preset', 'emojitracker', '--threads', '2'], {
        env: { REDIS_URL: redis.url },
      })
      const open = (path: string): Promise<RawSubscriber[]> =>
        Promise.all(
          Array.from({ length: EACH }, () => new RawSubscriber(server.port, path).opened()),
        )
      const raw = await open('/subscribe/raw')
      const eps = await open('/subscribe/eps')
      const details = await open('/subscribe/details/1F602')

      const begun = performance.now()
      await feed(redis, rate)
      // On a busy machine the feeder has no time for all of them; each is two messages.
      const expected = (await publishedTo(redis)) / 2
      assert.ok(expected > 0 && expected <= rate * SECONDS, `${expected} updates`)
      await Promise.all(raw.map((stream) => stream.received(expected, 120_000)))
      const scores = countsOf(raw[0]?.events ?? [])
      for (const stream of eps) {
        await until(() => total(sumOf(stream.events)) >= expected, 'the last scores are packed')
        assert.deepEqual(sumOf(stream.events), scores)
        // Never more than one in a period: at most 58 and a fraction in a second.
        const most = (performance.now() - begun) / PERIOD_MS + 1
        assert.ok(stream.events.length <= most, `${stream.events.length} packed events`)
      }
      for (const stream of raw) assert.deepEqual(stream.events, raw[0]?.events)
      for (const stream of details) {
        await stream.received(scores['1F602'] ?? 1)
        assert.deepEqual(stream.events, details[0]?.events)
        assert.ok(stream.events.every((tweet) => typeof JSON.parse(tweet).text === 'string'))
      }
      const { msgs_received, msgs_refused, msgs_dropped } = await sourceOf(server)
      assert.deepEqual([msgs_received, msgs_refused, msgs_dropped], [2 * expected, 0, 0])
      for (const stream of [...raw, ...eps, ...details]) stream.close()
      assert.equal(await server.stop(), 0)
      await redis.stop()
    })
  })
}
