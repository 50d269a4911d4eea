// The status that goes into a Redis hash, as emojitrack-gostreamer's did, and what is said when it
// cannot.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { redisClient, startRedis } from '../kit/redis.ts'
import { type Server, startServer } from '../kit/server.ts'
import { RawSubscriber } from '../kit/subscriber.ts'
import { until } from '../kit/until.ts'

const KEY = 'admin_stream_status'

function linesWith(server: Server, text: string): string[] {
  return server.log.filter((line) => line.includes(text))
}

// They wait for its clock, each with a Redis and a server of its own.
describe('the status report', { concurrency: true }, () => {
  it('is in production every 5 s the document of /admin/status.json, under the node', async () => {
    const redis = await startRedis()
    const env = { REDIS_URL: redis.url, GO_ENV: 'production', NODE_ENV: '', DYNO: 'web.1' }
    const server = await startServer(['--preset', 'emojitracker', '--threads', '2'], { env })
    const streams = await Promise.all(
      Array.from({ length: 300 }, () => new RawSubscriber(server.port, '/subscribe/raw').opened()),
    )
    const client = await redisClient(redis.url)
    const report = async (): Promise<string | null> => client.hGet(KEY, 'node-production-web.1')
    await until(async () => (await report()) !== null, 'it is reported')
    const reported = JSON.parse((await report()) as string) as Record<string, unknown>
    const asked = (await (await fetch(`${server.url}/admin/status.json`)).json()) as typeof reported
    assert.deepEqual(Object.keys(reported), Object.keys(asked))
    assert.equal(reported['node'], 'node-production-web.1')
    // Those of one millisecond stand in any order.
    const rows = (document: Record<string, unknown>): string[] =>
      (document['connections'] as object[]).map((row) => JSON.stringify(row)).sort()
    assert.deepEqual(rows(reported), rows(asked))
    assert.equal(rows(reported).length, streams.length)
    assert.deepEqual(reported['shards_missing'], [])

    assert.deepEqual(await client.hKeys(KEY), ['node-production-web.1'])
    for (const stream of streams) stream.close()
    assert.equal(await server.stop(), 0)
    await redis.stop()
  })

  it('that fails is logged once, and once when it is over; nothing else stops', async () => {
    const redis = await startRedis()
    const client = await redisClient(redis.url)
    await client.set(KEY, 'no hash')
    const args = ['--preset', 'emojitracker', '--threads', '1', '--status-report-seconds', '1']
    const server = await startServer([...args, '--node-name', 'here'], {
      env: { REDIS_URL: redis.url },
    })
    await until(() => linesWith(server, 'status not reported').length > 0, 'it is logged')
    assert.match(linesWith(server, 'status not reported')[0] as string, /WRONGTYPE/)
    const failed = async (): Promise<number> => {
      const stats = String(await client.info('errorstats'))
      return Number(/errorstat_WRONGTYPE:count=(\d+)/.exec(stats)?.[1] ?? 0)
    }
    await until(async () => (await failed()) >= 3, 'it has failed three times')
    assert.equal(linesWith(server, 'status not reported').length, 1)
    await client.del(KEY)
    await until(() => linesWith(server, 'status reported again').length > 0, 'it is over')
    assert.ok(await client.hExists(KEY, 'here'))

    await redis.stop('SIGKILL')
    await until(() => linesWith(server, 'status not reported').length === 2, 'Redis is away')
    const again = await startRedis([], redis.port)
    await until(() => linesWith(server, 'status reported again').length === 2, 'and is back')
    assert.equal(await server.stop(), 0)
    await again.stop()
  })
})
