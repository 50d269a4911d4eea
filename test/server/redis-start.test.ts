// Starting with Redis as the source: there, absent, silent, or with a login; what the operator is told.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import { freePort } from '../../scripts/free-port.ts'
import { isReady, readiness } from '../kit/ready.ts'
import { redisClient, startRedis } from '../kit/redis.ts'
import { runCommand, startServer } from '../kit/server.ts'
import { RawSubscriber } from '../kit/subscriber.ts'
import { until } from '../kit/until.ts'

const PRESET = ['--preset', 'emojitracker', '--threads', '1']

/** A server that takes connections and never says a word. */
async function startSilence(): Promise<{ port: number; stop(): void }> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const stop = (): void => {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  return { port, stop }
}

/** What the command says when it cannot start: one line, without the password, and exit 1. */
async function refusal(url: string, ...args: string[]): Promise<string> {
  const argv = [...PRESET, '--host', '127.0.0.1', '--port', '0', ...args]
  const { code, stdout, stderr } = await runCommand(argv, { REDIS_URL: url })
  assert.equal(code, 1, stderr)
  assert.equal(stdout, '')
  assert.match(stderr, /^carillon: cannot reach Redis at [^\n]*\n$/)
  assert.ok(!stderr.includes('secret'), stderr)
  return stderr
}

describe('a start without Redis', () => {
  it('ends with one line that says where and why, and hides the password', async () => {
    const port = await freePort()
    const said = await refusal(`redis://ann:secret@127.0.0.1:${port}/2`)
    assert.ok(said.includes(`redis://ann:***@127.0.0.1:${port}/2: connect ECONNREFUSED`), said)
    assert.ok(said.includes('--wait-for-source'), said)
  })

  it('says the same of a name with several addresses', async () => {
    const said = await refusal(`redis://localhost:${await freePort()}`)
    assert.match(said, /ECONNREFUSED/)
  })

  it('ends within sourceTimeoutSeconds where something else listens and never answers', async () => {
    const silence = await startSilence()
    const url = `redis://127.0.0.1:${silence.port}`
    const said = await refusal(url, '--source-timeout-seconds', '1')
    assert.match(said, /no answer within 1 s/)
    silence.stop()
  })

  it('names the name that has no address', async () => {
    assert.match(await refusal('redis://redis.invalid'), /ENOTFOUND redis\.invalid|EAI_AGAIN/)
  })

  it('needs no Redis where no option asks for one', async () => {
    const url = `redis://127.0.0.1:${await freePort()}`
    const server = await startServer(['--threads', '1'], { env: { REDIS_URL: url } })
    assert.deepEqual((await readiness(server))[1], { ready: true, reason: 'ready', sources: [] })
    assert.equal(await server.stop(), 0)
  })
})

describe('a login', () => {
  it('that is wrong ends the start and is not shown', async () => {
    const redis = await startRedis(['--requirepass', 'right'])
    const said = await refusal(`redis://:secret@127.0.0.1:${redis.port}`)
    assert.match(said, /WRONGPASS/)
    assert.match(await refusal(redis.url), /NOAUTH/)
    await redis.stop()
  })

  it('without a password is of the user that was named, not of the default one', async () => {
    const user = (...rules: string[]): string[] => ['--user', ...rules, 'on', '+@all', '&*']
    const redis = await startRedis([...user('ann', '>right'), ...user('bob', 'nopass')])
    const env = { REDIS_URL: `redis://bob@127.0.0.1:${redis.port}` }
    const server = await startServer(PRESET, { env })
    const client = await redisClient(redis.url)
    const clients = await client.sendCommand(['CLIENT', 'LIST'])
    assert.match(String(clients), /name=carillon .*user=bob/)
    assert.equal(await server.stop(), 0)
    assert.match(await refusal(`redis://ann@127.0.0.1:${redis.port}`), /WRONGPASS/)
    await redis.stop()
  })

  it('that may not read the channels ends the start', async () => {
    const redis = await startRedis(['--user', 'ann', 'on', '>secret', '+@all', '&other'])
    assert.match(await refusal(`redis://ann:secret@127.0.0.1:${redis.port}`), /NOPERM|permission/)
    await redis.stop()
  })

  it('with user, password of odd characters and database works, with few rights', async () => {
    const rights = ['+subscribe', '+psubscribe', '+ping', '+hello', '+client|setname', '+select']
    const channels = ['&stream.score_updates', '&stream.tweet_updates.*']
    const user = ['--user', 'ann', 'on', '>p@s/s:w%rd#', ...channels, ...rights]
    const redis = await startRedis([...user, '--user', 'default', 'on', 'nopass', '+@all', '&*'])
    const url = `redis://ann:${encodeURIComponent('p@s/s:w%rd#')}@127.0.0.1:${redis.port}/3`
    const server = await startServer(PRESET, { env: { REDIS_URL: url } })
    const raw = await new RawSubscriber(server.port, '/subscribe/raw').opened()
    const client = await redisClient(redis.url)
    await client.publish('stream.score_updates', '2665')
    await raw.received(1)
    const clients = await client.sendCommand(['CLIENT', 'LIST'])
    assert.match(String(clients), /name=carillon .*db=3 .*user=ann/)
    const status = await (await fetch(`${server.url}/admin/status.json`)).text()
    assert.ok(status.includes(`"address": "redis://ann:***@127.0.0.1:${redis.port}/3"`), status)
    raw.close()
    assert.equal(await server.stop(), 0)
    await redis.stop()
  })
})

describe('--wait-for-source', () => {
  it('starts without Redis, says so, serves, and takes events once it is there', async () => {
    const port = await freePort()
    const env = { REDIS_URL: `redis://127.0.0.1:${port}` }
    const server = await startServer([...PRESET, '--wait-for-source'], { env })
    const [status, body] = await readiness(server)
    assert.deepEqual([status, body.ready, body.reason], [503, false, 'source_down'])
    const [source] = body.sources
    assert.deepEqual([source?.name, source?.state], ['redis', 'down'])
    assert.ok(Math.abs((source?.since ?? 0) - Date.now() / 1000) < 60, `${source?.since}`)

    const all = await new RawSubscriber(server.port, '/subscribe/').opened()
    const posted = await fetch(`${server.url}/publish/pets`, { method: 'POST', body: 'woof' })
    assert.equal(posted.status, 200)
    await all.received(1)
    assert.equal((await fetch(`${server.url}/health`)).status, 200)

    const redis = await startRedis([], port)
    await until(() => isReady(server), 'it is ready')
    await (await redisClient(redis.url)).publish('stream.score_updates', '2665')
    await all.received(3)
    assert.deepEqual(all.events, ['woof', '2665', '{"2665":1}'])
    const down = server.log.filter((line) => line.includes('source down'))
    assert.equal(down.length, 1, 'one line, however often it tried')
    all.close()
    assert.equal(await server.stop(), 0)
    await redis.stop()
  })

  it('stops at once while it waits', async () => {
    const silence = await startSilence()
    const env = { REDIS_URL: `redis://127.0.0.1:${silence.port}` }
    // It waits for a minute for each answer.
    const args = ['--wait-for-source', '--source-timeout-seconds', '60']
    const server = await startServer([...PRESET, ...args], { env })
    let code: unknown
    void server.stop().then((ended) => {
      code = ended
    })
    await until(() => code !== undefined, 'it stops before that', 30_000)
    assert.equal(code, 0)
    silence.stop()
  })
})
