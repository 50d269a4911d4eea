// The feeder against a real Redis: what it publishes, at which rate, and how it begins and ends.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'
import type { Tweet } from '../../scripts/feeder/tweet.ts'
import { freePort } from '../../scripts/free-port.ts'
import { temporaryFolder } from '../kit/folder.ts'
import { type Program, startProgram } from '../kit/program.ts'
import { type RedisServer, redisClient, startRedis } from '../kit/redis.ts'
import { until } from '../kit/until.ts'

// Compiled once: to compile it at each start costs more than what it then does.
const FEEDER = join(temporaryFolder(), 'feeder.mjs')
const REQUIRE = `import { createRequire } from 'node:module'
const require = createRequire(import.meta.url)`
buildSync({
  entryPoints: [fileURLToPath(new URL('../../scripts/feeder.ts', import.meta.url))],
  outfile: FEEDER,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  banner: { js: REQUIRE },
  logLevel: 'error',
})

function startFeeder(t: TestContext, ...args: string[]): Program {
  return startProgram(t, process.execPath, [FEEDER, ...args])
}

async function redisOf(t: TestContext, ...args: string[]): Promise<RedisServer> {
  const redis = await startRedis(args)
  t.after(() => redis.stop())
  return redis
}

interface Heard {
  readonly scores: string[]
  /** The ids of the channels that tweets came on. */
  readonly channels: string[]
  readonly tweets: string[]
}

async function listen(url: string): Promise<Heard> {
  const heard: Heard = { scores: [], channels: [], tweets: [] }
  const client = await redisClient(url)
  await client.subscribe('stream.score_updates', (id) => heard.scores.push(id))
  await client.pSubscribe('stream.tweet_updates.*', (tweet, channel) => {
    heard.channels.push(channel.replace('stream.tweet_updates.', ''))
    heard.tweets.push(tweet)
  })
  return heard
}

/** Takes the place of a Redis, and lets so many attempts to come back be vain. */
async function refuseAtPort(port: number, attempts: number): Promise<void> {
  let vain = 0
  const server = createServer((socket) => {
    vain++
    socket.on('error', () => {}).destroy()
  }).listen(port, '127.0.0.1')
  await once(server, 'listening')
  await until(() => vain >= attempts, `${attempts} attempts`).finally(() => server.close())
  await once(server, 'close')
}

// Each has a Redis of its own, and most wait for a feeder's seconds.
describe('the feeder', { concurrency: true }, () => {
  it('publishes rate times seconds updates, each a score and its tweet', async (t) => {
    const redis = await redisOf(t)
    const heard = await listen(redis.url)
    const start = performance.now()
    const feeder = startFeeder(t, '--redis', redis.url, '--rate', '1000', '--seconds', '2')
    assert.equal(await feeder.ended, 0)
    const tookMs = performance.now() - start
    await until(() => heard.tweets.length >= 2000, 'every tweet has come')
    assert.equal(heard.scores.length, 2000)
    assert.equal(heard.tweets.length, 2000)
    assert.deepEqual(heard.channels, heard.scores)
    for (const tweet of heard.tweets) assert.ok((JSON.parse(tweet) as Tweet).text.length >= 20)
    assert.ok(tookMs > 2000, `not before its time: ${tookMs} ms`)
    assert.deepEqual(feeder.lines, [`feeder: 1000 updates a second to ${redis.url}`])
    assert.deepEqual(feeder.errors, [])
  })

  it('takes Redis from REDIS_URL, repeats by seed, and says how far it is', async (t) => {
    const redis = await redisOf(t)
    const first = await listen(redis.url)
    const flags = ['--rate', '300', '--seconds', '1', '--seed', '42', '--verbose']
    const run = async (): Promise<Program> => {
      const args = [`REDIS_URL=${redis.url}`, process.execPath, FEEDER, ...flags]
      const feeder = startProgram(t, 'env', args)
      assert.equal(await feeder.ended, 0)
      return feeder
    }
    const feeder = await run()
    await until(() => first.tweets.length >= 300, 'the first run has come')
    const second = await listen(redis.url)
    await run()
    await until(() => second.tweets.length >= 300, 'the second run has come')
    const texts = (tweets: readonly string[]): string[] =>
      tweets.map((tweet) => (JSON.parse(tweet) as Tweet).text)
    assert.deepEqual(second.scores, first.scores.slice(0, 300))
    assert.deepEqual(texts(second.tweets), texts(first.tweets.slice(0, 300)))
    assert.deepEqual(feeder.errors, ['feeder: 300 updates published, 0 lost, 0 given up'])
  })

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`ends with 0 at ${signal}`, async (t) => {
      const redis = await redisOf(t)
      const heard = await listen(redis.url)
      const feeder = startFeeder(t, '--redis', redis.url)
      await until(() => heard.scores.length > 0, 'updates come')
      feeder.process.kill(signal)
      assert.equal(await feeder.ended, 0)
      await until(() => heard.tweets.length === heard.scores.length, 'the last is whole')
      assert.deepEqual(feeder.errors, [])
    })
  }

  it('comes back when Redis was away, and says each once', async (t) => {
    const redis = await redisOf(t)
    const feeder = startFeeder(t, '--redis', redis.url, '--rate', '500')
    await until(() => feeder.lines.length > 0, 'it has begun')
    await redis.stop('SIGKILL')
    await until(() => feeder.errors.length > 0, 'it says that Redis is lost')
    await refuseAtPort(redis.port, 3)
    const again = await startRedis([], redis.port)
    t.after(() => again.stop())
    const heard = await listen(again.url)
    await until(() => heard.tweets.length > 100, 'updates come again')
    assert.match(feeder.errors[0] ?? '', /^feeder: lost Redis at .*, trying to come back: ./)
    assert.deepEqual(feeder.errors.slice(1), [`feeder: Redis is back at ${redis.url}`])
    feeder.process.kill('SIGTERM')
    assert.equal(await feeder.ended, 0)
  })

  it('ends while Redis is away', async (t) => {
    const redis = await redisOf(t)
    const feeder = startFeeder(t, '--redis', redis.url)
    await until(() => feeder.lines.length > 0, 'it has begun')
    await redis.stop('SIGKILL')
    await until(() => feeder.errors.length > 0, 'it says that Redis is lost')
    feeder.process.kill('SIGTERM')
    assert.equal(await feeder.ended, 0)
  })

  it('says in one line that Redis is not there, without the password', async (t) => {
    const url = `redis://ada:open-sesame@127.0.0.1:${await freePort()}/1`
    const feeder = startFeeder(t, '--redis', url)
    assert.equal(await feeder.ended, 1)
    assert.deepEqual(feeder.lines, [])
    assert.equal(feeder.errors.length, 1, feeder.errors.join('\n'))
    const shown = url.replace('open-sesame', '***')
    assert.ok(feeder.errors[0]?.startsWith(`feeder: cannot use Redis at ${shown}: `))
    assert.match(feeder.errors[0] ?? '', /ECONNREFUSED/)
  })

  it('uses the password it is given, and says when it is wrong', async (t) => {
    const redis = await redisOf(t, '--requirepass', 'open-sesame')
    const url = (password: string): string => `redis://:${password}@127.0.0.1:${redis.port}`
    const heard = await listen(url('open-sesame'))
    const right = startFeeder(t, '--redis', url('open-sesame'), '--rate', '50', '--seconds', '1')
    assert.equal(await right.ended, 0)
    assert.ok(right.lines.every((line) => !line.includes('open-sesame')))
    await until(() => heard.tweets.length === 50, 'updates come')
    const wrong = startFeeder(t, '--redis', url('guess'))
    assert.equal(await wrong.ended, 1)
    assert.equal(wrong.errors.length, 1, wrong.errors.join('\n'))
    assert.match(wrong.errors[0] ?? '', /WRONGPASS/)
  })

  it('ends with 1 where Redis lets it in, but not publish', async (t) => {
    const rules = ['on', '>pw', 'allchannels', '+@connection', '+subscribe']
    const redis = await redisOf(t, '--user', 'reader', ...rules)
    const feeder = startFeeder(t, '--redis', `redis://reader:pw@127.0.0.1:${redis.port}`)
    assert.equal(await feeder.ended, 1)
    assert.match(feeder.errors.join('\n'), /^feeder: Redis at .* refuses updates: NOPERM .*$/)
  })
})

describe('the command line of the feeder', { concurrency: true }, () => {
  const bad: readonly (readonly [string, RegExp])[] = [
    ['--rate 0', /--rate must be a whole number from 1 to 1000000/],
    ['--rate 2.5', /--rate must be/],
    ['--rate 1000001', /--rate must be/],
    ['--seconds soon', /--seconds must be/],
    ['--seed -1', /'--seed' argument is ambiguous; see --help/],
    ['--speed 3', /Unknown option '--speed'; see --help/],
    ['--rate', /--rate.* argument missing/],
    ['fast', /Unexpected argument 'fast'/],
    ['--redis http://:open-sesame@localhost', /--redis \(REDIS_URL\) must be a URL such as/],
    ['--redis redis://:open%sesame@localhost', /--redis \(REDIS_URL\) must be a URL such as/],
    ['--redis redis://:open-sesame@localhost/first', /--redis \(REDIS_URL\) must be a URL such as/],
  ]
  for (const [args, message] of bad) {
    it(`refuses ${args} in one line`, async (t) => {
      const feeder = startFeeder(t, ...args.split(' '))
      assert.equal(await feeder.ended, 2)
      assert.equal(feeder.errors.length, 1, feeder.errors.join('\n'))
      assert.match(feeder.errors[0] ?? '', message)
      assert.doesNotMatch(feeder.errors[0] ?? '', /sesame/)
    })
  }

  it('has a help text', async (t) => {
    const feeder = startFeeder(t, '--help')
    assert.equal(await feeder.ended, 0)
    const help = feeder.lines.join('\n')
    for (const flag of ['--redis', '--rate', '--seconds', '--seed', '--verbose', '--help']) {
      assert.ok(help.includes(`  ${flag} `), flag)
    }
  })
})
