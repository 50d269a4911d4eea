// What a terminal is told at a start: the server is started on a pseudo-terminal, and the lines that
// it prints to try are run, as they stand, by a shell with the real curl.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import type { Config } from '../../src/config/option.ts'
import { resolveConfig } from '../../src/config/parse.ts'
import { greeting } from '../../src/ops/greeting.ts'
import { makeCertificate } from '../kit/certificate.ts'
import { temporaryFolder } from '../kit/folder.ts'
import { MAIN } from '../kit/launch.ts'
import { type Program, startProgram } from '../kit/program.ts'
import { redisClient, startRedis } from '../kit/redis.ts'
import { shell, tryAll } from '../kit/trial.ts'
import { until } from '../kit/until.ts'

const PUBLISH = 'publish-0123456789'
const SUBSCRIBE = 'subscribe-0123456789'

const ESC = '\x1b'

/** A busy machine may take its time. */
const START_MS = 60_000

/** A server on a terminal, and what it has printed by the time it has said all. */
async function onTerminal(
  t: TestContext,
  args: readonly string[],
  env = 'NO_COLOR=1 TERM=xterm-256color',
): Promise<readonly string[]> {
  const flags = ['--port', '0', '--threads', '1', '--log-level', 'warn', '--no-user-ip', ...args]
  const words = flags.map((flag) => `'${flag}'`).join(' ')
  // util-linux's script gives it one, and ends it: without exec, it would end a shell instead.
  // Within CI, Node takes every terminal for one without colours.
  const command = `exec env -u CI ${env} '${process.execPath}' '${MAIN}' ${words}`
  const { lines } = startTerminal(t, command)
  const isComplete = (): boolean => lines.some((line) => line.includes('Ctrl-C'))
  await until(isComplete, 'it says all', START_MS).catch((error: unknown) => {
    throw new Error(`it said ${JSON.stringify(lines)}`, { cause: error })
  })
  return lines
}

/** At its own end, `script` would give the server two seconds: so the server is stopped before. */
function startTerminal(t: TestContext, command: string): Program {
  let program: Program | undefined
  t.after(() => {
    const { pid } = (program as Program).process
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
    if (children !== '') process.kill(Number(children))
    return (program as Program).ended
  })
  program = startProgram(t, 'script', ['-qec', command, '/dev/null'])
  return program
}

/** The lines to try. */
function tryable(lines: readonly string[]): string[] {
  return lines.filter((line) => line.startsWith('  curl')).map((line) => line.trim())
}

// What takes long is the Node that each starts.
describe('a start on a terminal', { concurrency: 2 }, () => {
  it('prints lines that work as they stand', async (t) => {
    for (const host of ['*', '127.0.0.1', '::1']) {
      await tryAll(t, tryable(await onTerminal(t, ['--host', host])))
    }
  })

  it('prints addresses that lead to pages', async (t) => {
    const lines = await onTerminal(t, [])
    const addresses = lines.flatMap((line) => /^ {2}.+ (http:\S+)$/.exec(line)?.[1] ?? [])
    assert.deepEqual(
      addresses.map((url) => new URL(url).pathname),
      ['/', '/admin/', '/docs/'],
    )
    for (const url of addresses) {
      const response = await fetch(url)
      assert.equal(response.status, 200, url)
      assert.match(await response.text(), /<title>/)
    }
  })

  it('prints lines that work with TLS', async (t) => {
    const { certificate, key } = makeCertificate(temporaryFolder())
    const lines = tryable(await onTerminal(t, ['--tls-cert', certificate, '--tls-key', key]))
    assert.match(lines[0] as string, /https:/)
    await tryAll(t, lines)
  })

  it('prints where the tokens go, and none of them', async (t) => {
    const file = join(temporaryFolder(), 'tokens')
    writeFileSync(file, `${PUBLISH}\n`)
    const args = ['--subscribe-token', SUBSCRIBE, '--publish-token-file', file]
    const printed = await onTerminal(t, [...args, '--api-events', 'loopback'])
    assert.ok(!printed.some((line) => line.includes(PUBLISH) || line.includes(SUBSCRIBE)))
    const lines = tryable(printed).map((line) =>
      line.replaceAll('SUBSCRIBE_TOKEN', SUBSCRIBE).replaceAll('PUBLISH_TOKEN', PUBLISH),
    )
    assert.ok(!lines.includes(tryable(printed)[0] as string))
    await tryAll(t, lines)
  })

  it('leaves out what would be refused: who comes by this address is not of this machine', () => {
    const textFor = (options: Partial<Config>): string =>
      greeting(resolveConfig(options), 'http://192.0.2.1:80', (_, plain) => plain)
    const lines = (options: Partial<Config>): string[] => {
      const text = textFor(options)
      return tryable(text.split('\n')).map((line) => line.replaceAll('192.0.2.1:80', ''))
    }
    const readers = ['curl -N /events', 'curl -N /subscribe/pets']
    const [event, text] = [
      `curl -d '{"hello":"world"}' /api/events`,
      'curl -d woof /publish/pets/dogs',
    ]
    assert.deepEqual(lines({}), [...readers, event])
    assert.deepEqual(lines({ apiEvents: 'loopback' }), readers)
    assert.deepEqual(lines({ publish: 'public' }), [...readers, `${event}; ${text}`])
    const adminToken = ['admin-0123456789']
    for (const shown of [{ admin: 'public' }, { adminToken }] as const) {
      assert.match(textFor(shown), /\/admin\//)
    }
    for (const hidden of [{}, { admin: 'off' }, { admin: 'off', adminToken }] as const) {
      assert.doesNotMatch(textFor(hidden), /\/admin\//)
    }
  })

  it('prints lines that read what comes from Redis, in the emojitracker preset', async (t) => {
    const redis = await startRedis()
    t.after(() => redis.stop())
    const preset = ['--preset', 'emojitracker', '--redis-url', redis.url]
    const readers = tryable(await onTerminal(t, preset)).map((line) => shell(t, line))
    assert.equal(readers.length, 3)
    for (const { lines } of readers) await until(() => lines.includes(':ok'), 'a stream')
    const client = await redisClient(redis.url)
    await client.publish('stream.score_updates', '2665')
    await client.publish('stream.tweet_updates.2665', '{"text":"a tweet"}')
    const data = ['data: {"2665":1}', 'data: 2665', 'data: {"text":"a tweet"}']
    for (const [index, { lines }] of readers.entries()) {
      await until(() => lines.includes(data[index] as string), `${data[index]} in ${lines}`)
    }
  })

  it('has colours where the terminal has them', async (t) => {
    const coloured = await onTerminal(t, [], '-u NO_COLOR TERM=xterm-256color')
    assert.ok(
      coloured.some((line) => line.startsWith(`  ${ESC}[36mcurl -N`)),
      coloured.join('\n'),
    )
    for (const env of ['NO_COLOR=1 TERM=xterm-256color', '-u NO_COLOR TERM=dumb']) {
      const plain = await onTerminal(t, [], env)
      assert.equal(tryable(plain).length, 3)
      assert.ok(!plain.some((line) => line.includes(ESC)), plain.join('\n'))
    }
  })
})
