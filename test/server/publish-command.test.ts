// `carillon publish`, as a process, against the real server: what arrives, what it says, how it ends.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it, type TestContext } from 'node:test'
import { freePort } from '../../scripts/free-port.ts'
import { answer, type ClientSpec, handOn, startClient, startFront } from '../kit/client.ts'
import { MAIN } from '../kit/launch.ts'
import { startProgram } from '../kit/program.ts'
import { type Server, sharedServer } from '../kit/server.ts'
import { RawSubscriber } from '../kit/subscriber.ts'
import { until } from '../kit/until.ts'

const PUBLISH = 'publish-0123456789'
const SUBSCRIBE = 'subscribe-0123456789'

const folder = mkdtempSync(join(tmpdir(), 'carillon-publish-'))
after(() => rmSync(folder, { recursive: true }))

function share(...args: string[]): Promise<Server> {
  return sharedServer(['--threads', '1', ...args])
}

const LINE_BYTES = 4 * 1024 * 1024
/** For those behind a proxy too, and for long lines. */
const OPEN = ['--publish', 'public', '--body-bytes-max', `${LINE_BYTES}`]

interface Run {
  readonly code: number | NodeJS.Signals
  readonly out: string
  readonly err: string
}

async function publish(
  t: TestContext,
  url: string,
  args: readonly string[],
  spec: ClientSpec = {},
): Promise<Run> {
  const client = startClient(t, ['publish', '--url', url, ...args], { input: '', ...spec })
  const code = await client.ended
  return { code, out: client.out, err: client.err }
}

function assertAccepted(run: Run, count: number): void {
  assert.deepEqual(run, { code: 0, out: `accepted ${count}\n`, err: '' })
}

/** One line on standard error, nothing on standard output, and this exit code. */
function assertFailed(run: Run, code: 1 | 2, why: RegExp): void {
  assert.match(run.err, /^carillon: [^\n]+\n$/)
  assert.match(run.err, why)
  assert.equal(run.out, '')
  assert.equal(run.code, code)
}

describe('carillon publish', () => {
  it('publishes a text, standard input, and - for standard input', async (t) => {
    const server = await share()
    const reader = await new RawSubscriber(server.port, '/subscribe/pets').opened()
    assertAccepted(await publish(t, server.url, ['pets/dogs', 'woof']), 1)
    assertAccepted(await publish(t, server.url, ['/pets/dogs/'], { input: 'wau' }), 1)
    assertAccepted(await publish(t, server.url, ['pets', '-'], { input: 'ß 🐶' }), 1)
    assertAccepted(await publish(t, server.url, ['pets', '']), 1)
    assertAccepted(await publish(t, server.url, ['pets', '--', '--ndjson']), 1)
    await reader.received(5)
    assert.deepEqual(reader.events, ['woof', 'wau', 'ß 🐶', '', '--ndjson'])
  })

  it('takes one line end off the end of standard input, and nothing else', async (t) => {
    const server = await share()
    const reader = await new RawSubscriber(server.port, '/subscribe/lines').opened()
    for (const input of ['one\n', 'two\r\n', 'three\n\n', '\n', ' four ', 'five\r']) {
      assertAccepted(await publish(t, server.url, ['lines'], { input }), 1)
    }
    assertAccepted(await publish(t, server.url, ['lines', 'six\n']), 1)
    await reader.received(7)
    assert.deepEqual(reader.events, ['one', 'two', 'three\n', '', ' four ', 'five\n', 'six\n'])
  })

  it('gives the event its name, id and retry', async (t) => {
    const server = await share()
    const reader = await new RawSubscriber(server.port, '/subscribe/').opened()
    const fields = ['--event', 'größe & co', '--id', 'ä=7', '--retry', '1500']
    assertAccepted(await publish(t, server.url, ['pets', 'x', ...fields]), 1)
    await reader.received(1)
    assert.ok(reader.text.includes('event: größe & co\nid: ä=7\nretry: 1500\ndata: x\n\n'))
  })

  it('takes a topic as plain text, whatever is special in a URL', async (t) => {
    const server = await share()
    const topic = 'a b/ü?x=1#y/100%/%2e%2e'
    const path = `/subscribe/${topic.split('/').map(encodeURIComponent).join('/')}`
    const reader = await new RawSubscriber(server.port, path).opened()
    assertAccepted(await publish(t, server.url, [topic, 'there']), 1)
    await reader.received(1)
  })

  it('publishes behind the path of --url, which CARILLON_URL can be, or PORT', async (t) => {
    const server = await share()
    const front = await startFront(t, answer(200, {}, '{"accepted":1}'))
    assertAccepted(await publish(t, `${front.url}/sse/`, ['pets', 'x', '--id', '1']), 1)
    assert.equal(front.requests[0]?.url, '/sse/publish/pets?id=1')
    assert.match(`${front.requests[0]?.headers['user-agent']}`, /^carillon\/\d+\.\d+\.\d+$/)
    for (const env of [{ CARILLON_URL: server.url, PORT: '1' }, { PORT: `${server.port}` }]) {
      // A topic of its own: nobody waits for it here, and the next test must not get it.
      const client = startClient(t, ['publish', 'unread', 'x'], { env })
      assert.equal(await client.ended, 0, client.err)
    }
  })

  it('publishes a batch, whole or not at all', async (t) => {
    const server = await share()
    const reader = await new RawSubscriber(server.port, '/subscribe/pets').opened()
    const batch = '{"data":"a","topic":"dogs"}\n\n{"data":{"b": 1},"event":"bark"}\n'
    assertAccepted(await publish(t, server.url, ['pets', '--ndjson'], { input: batch }), 2)
    const bad = await publish(t, server.url, ['pets', '--ndjson'], { input: `${batch}oops\n` })
    assertFailed(bad, 1, /400 invalid_line: line 4 /)
    assertFailed(await publish(t, server.url, ['pets', '--ndjson']), 1, /400 empty_batch/)
    assertAccepted(await publish(t, server.url, ['pets', 'last']), 1)
    await reader.received(3)
    assert.deepEqual(reader.events, ['a', '{"b": 1}', 'last'])
  })

  it('publishes nothing of what is not UTF-8', async (t) => {
    const server = await share()
    const reader = await new RawSubscriber(server.port, '/subscribe/pets').opened()
    const binary = readFileSync(process.execPath).subarray(0, 5000)
    for (const input of [binary, Buffer.from('a\xffb', 'latin1')]) {
      assertFailed(await publish(t, server.url, ['pets'], { input }), 1, /400 invalid_utf8: /)
    }
    assertAccepted(await publish(t, server.url, ['pets', 'last']), 1)
    await reader.received(1)
    assert.deepEqual(reader.events, ['last'])
  })

  it('publishes a line as long as the server takes, and says where it takes less', async (t) => {
    const server = await share(...OPEN)
    const reader = await new RawSubscriber(server.port, '/subscribe/long').opened()
    const line = 'x'.repeat(LINE_BYTES)
    assertAccepted(await publish(t, server.url, ['long'], { input: `${line}\n` }), 1)
    await reader.received(1)
    assert.ok(reader.events[0] === line, 'the line')
    const long = await publish(t, server.url, ['long'], { input: `${line}x\n` })
    assertFailed(long, 1, /413 body_too_large: the body is larger than 4194304 bytes/)
    const endless = await publish(t, server.url, ['long'], { input: line.repeat(4) + line })
    assertFailed(endless, 1, /the data is over 16777216 bytes, more than any server takes/)
  })
})

describe('carillon publish, to a server that wants a token', () => {
  const guarded = ['--publish-token', PUBLISH, '--subscribe-token', SUBSCRIBE]

  it('says that one is missing, is not known, is for something else', async (t) => {
    const server = await share(...guarded)
    const none = await publish(t, server.url, ['pets', 'x'])
    assertFailed(none, 1, /401 token_missing: .*--token-file/)
    const unknown = await publish(t, server.url, ['pets', 'x', '--token', `${PUBLISH}0`])
    assertFailed(unknown, 1, /401 token_unknown: /)
    const other = await publish(t, server.url, ['pets', 'x', '--token', SUBSCRIBE])
    assertFailed(other, 1, /403 token_not_enough: this needs a publish token/)
  })

  it('takes one from the flag, a file, the variable, a variable with a file', async (t) => {
    const server = await share(...guarded)
    const file = join(folder, 'tokens')
    writeFileSync(file, `# for CI\n\n${PUBLISH}\nanother-0123456789\n`)
    const wrong = { CARILLON_PUBLISH_TOKEN: 'wrong-0123456789abc' }
    const ways: readonly [args: string[], env: Record<string, string>][] = [
      [['--token', PUBLISH], wrong],
      [['--token-file', file], wrong],
      // As the server takes it: several, the first of which is used.
      [[], { CARILLON_PUBLISH_TOKEN: `${PUBLISH}, another-0123456789` }],
      [[], { CARILLON_PUBLISH_TOKEN_FILE: file }],
    ]
    for (const [args, env] of ways) {
      assertAccepted(await publish(t, server.url, ['pets', 'x', ...args], { env }), 1)
    }
    const missing = await publish(t, server.url, ['pets', '--token-file', join(folder, 'none')])
    assertFailed(missing, 2, /--token-file: .*ENOENT/)
  })

  it('does not show the token in the list of processes, nor in an error', async (t) => {
    const client = startClient(t, ['publish', 'pets', '--token', PUBLISH])
    const shown = (): string => readFileSync(`/proc/${client.process.pid}/cmdline`, 'latin1')
    await until(() => shown().startsWith('carillon publish\0'), 'it has its title')
    assert.doesNotMatch(shown(), /0123456789/)
    const bad = await publish(t, 'http://127.0.0.1:1', ['pets', '--token', 'secret!'])
    assertFailed(bad, 2, /--token: \*\*\* cannot be used/)
  })
})

describe('carillon publish, where it cannot', () => {
  it('says that no server listens', async (t) => {
    const url = `http://127.0.0.1:${await freePort()}`
    assertFailed(await publish(t, url, ['pets', 'x']), 1, /ECONNREFUSED.*no server listens there/)
  })

  it('says what a server that takes no events from here says', async (t) => {
    const server = await share()
    const proxy = await startFront(t, handOn(server.url))
    const run = await publish(t, proxy.url, ['pets', 'x'])
    assertFailed(run, 1, /403 forbidden: .*--publish public or --publish-token opens it/)
  })

  it('says what others answer: a page, a redirect, another 200', async (t) => {
    const page = await startFront(t, answer(404, { 'Content-Type': 'text/html' }, '<h1>No</h1>'))
    assertFailed(await publish(t, page.url, ['pets', 'x']), 1, /: 404 Not Found\n/)
    const text = await startFront(t, answer(400, { 'Content-Type': 'text/plain' }, 'a\x1b[2Jb'))
    assertFailed(await publish(t, text.url, ['pets', 'x']), 1, /: 400 a\\x1b\[2Jb\n/)
    const moved = await startFront(t, answer(308, { Location: 'https://example.org/' }))
    const run = await publish(t, moved.url, ['pets', 'x'])
    assertFailed(run, 1, /308 it is at https:\/\/example\.org\/, and redirects are not followed/)
    const other = await startFront(t, answer(200, {}, 'ok'))
    assertFailed(await publish(t, other.url, ['pets', 'x']), 1, /200, but not as Carillon does/)
  })

  it('says that it is not known, where the connection is cut before the answer', async (t) => {
    const server = createServer((socket) => socket.once('data', () => socket.destroy()))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.after(() => server.close())
    const { port } = server.address() as { port: number }
    const run = await publish(t, `http://127.0.0.1:${port}`, ['pets', 'x'])
    assertFailed(run, 1, /may or may not have been published/)
  })

  it('says that standard input cannot be read', async (t) => {
    const command = `'${process.execPath}' '${MAIN}' publish pets < /proc/self/mem`
    const run = startProgram(t, 'sh', ['-c', command])
    assert.equal(await run.ended, 1)
    assert.match(run.errors.join('\n'), /^carillon: standard input: EIO[^\n]*$/)
  })

  it('waits for an answer as long as --timeout-seconds', async (t) => {
    const silent = await startFront(t, () => {})
    const begun = performance.now()
    const run = await publish(t, silent.url, ['pets', 'x', '--timeout-seconds', '1'])
    assertFailed(run, 1, /no answer within 1 s/)
    assert.ok(performance.now() - begun >= 1000)
  })
})

// They wait as they are told.
describe('carillon publish, to a busy server', { concurrency: true }, () => {
  const busy = answer(503, { 'Retry-After': '1', 'Content-Type': 'application/problem+json' }, '{')

  it('tries again when it may, until it is accepted', async (t) => {
    const server = await share(...OPEN)
    const reader = await new RawSubscriber(server.port, '/subscribe/pets').opened()
    const limited = answer(429, { 'Retry-After': '0' })
    const front = await startFront(t, busy, limited, handOn(server.url))
    const begun = performance.now()
    const run = await publish(t, front.url, ['pets', 'woof', '--retries-max', '2'])
    assert.ok(performance.now() - begun >= 1000, 'it waits')
    assert.equal(run.code, 0)
    assert.equal(run.out, 'accepted 1\n')
    assert.match(run.err, /^carillon: 503 .*; trying again in 1 s\ncarillon: 429 .* in 0 s\n$/)
    await reader.received(1)
    assert.deepEqual(reader.events, ['woof'])
  })

  it('gives up after --retries-max, at none at once', async (t) => {
    const front = await startFront(t, busy)
    const twice = await publish(t, front.url, ['pets', 'x', '--retries-max', '2'])
    assert.equal(twice.code, 1)
    assert.match(twice.err, /, also after 2 retries\n$/)
    assert.equal(front.requests.length, 3)
    assertFailed(await publish(t, front.url, ['pets', 'x', '--retries-max', '0']), 1, /: 503 /)
    assert.equal(front.requests.length, 4)
  })

  it('does not wait longer than --wait-seconds-max, also for a date', async (t) => {
    for (const header of ['61', new Date(Date.now() + 90_000).toUTCString()]) {
      const front = await startFront(t, answer(503, { 'Retry-After': header }))
      const run = await publish(t, front.url, ['pets', 'x'])
      assertFailed(run, 1, /503 .*may be tried in \d+ s, over --wait-seconds-max/)
      assert.equal(front.requests.length, 1)
    }
  })
})
