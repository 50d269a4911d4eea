// The Emojitracker Streaming API, statement by statement, held against any server that offers it:
// STREAM_SERVER=http://host:port, which may be https and have a path; without it, against our own
// with a Redis that is fed. STREAM_TIMEOUT: seconds that an answer may take, 20 if not given.
// https://github.com/emojitracker/emojitrack-streamer-spec
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { detailStatements } from '../acceptance/detail.ts'
import { headStatements } from '../acceptance/head.ts'
import { scoreStatements } from '../acceptance/score.ts'
import { LIMIT_MS } from '../acceptance/statement.ts'
import { closesStatus, statusStatements } from '../acceptance/status.ts'
import { publishEmoji } from '../kit/emojitracker.ts'
import { redisClient, startRedis } from '../kit/redis.ts'
import { startServer } from '../kit/server.ts'
import { reach } from '../kit/stream.ts'

const given = process.env['STREAM_SERVER'] || undefined

/** Our own server, with a Redis that is fed. */
async function startOwn(): Promise<{ url: string; stop: () => Promise<void> }> {
  const redis = await startRedis()
  const args = ['--preset', 'emojitracker', '--threads', '2']
  const server = await startServer(args, { env: { REDIS_URL: redis.url } })
  const stopPublishing = publishEmoji(await redisClient(redis.url))
  const stop = async (): Promise<void> => {
    stopPublishing()
    await server.stop()
    await redis.stop()
  }
  return { url: server.url, stop }
}

/** Why nothing can be tested: told once, instead of by every statement. */
async function obstacle(address: string): Promise<string | undefined> {
  if (!(LIMIT_MS > 0)) return 'STREAM_TIMEOUT must be a number of seconds'
  if (!/^https?:\/\/[^@]+$/i.test(address) || !URL.canParse(address)) {
    return `STREAM_SERVER must be http(s)://host:port, without user and password: ${address}`
  }
  try {
    await reach(new URL(address), LIMIT_MS)
    return undefined
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException
    return `STREAM_SERVER ${address} cannot be reached: ${message || code}`
  }
}

const own = given === undefined ? await startOwn() : undefined
const address = given ?? (own?.url as string)
const problem = await obstacle(address)
const isStatusClosed =
  problem === undefined && own === undefined && (await closesStatus(new URL(address)))

describe('the Emojitracker Streaming API', () => {
  after(() => own?.stop())

  if (problem !== undefined) {
    it('is offered by a server', () => assert.fail(problem))
    return
  }
  const base = new URL(address)
  for (const method of ['HEAD', 'GET'] as const) {
    for (const path of ['/subscribe/raw', '/subscribe/eps', '/subscribe/details/2665']) {
      headStatements(base, method, path)
    }
  }
  detailStatements(base, scoreStatements(base))
  statusStatements(base, isStatusClosed)
})
