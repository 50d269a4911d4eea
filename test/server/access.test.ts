// Who may do what: tokens for publishing, for the status and for streams, against the real server.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it, type TestContext } from 'node:test'
import { EventSource } from 'eventsource'
import { exchange, post } from '../kit/raw.ts'
import { runCommand, type Server, sharedServer, startServer } from '../kit/server.ts'
import { RawSubscriber } from '../kit/subscriber.ts'
import { until } from '../kit/until.ts'

const PUBLISH = 'publish-0123456789'
const OTHER_PUBLISH = 'publish/9876543210+~.=='
const ADMIN = 'admin-0123456789abc'
const SUBSCRIBE = 'subscribe-0123456789'
const UNKNOWN = 'unknown-0123456789ab'
/** With what is special in a URL. */
const ODD = 'a+b/c~d.e-f_0123=='
const SHORTEST = 'a'.repeat(16)
const LONGEST = 'b'.repeat(512)

const folder = mkdtempSync(join(tmpdir(), 'carillon-access-'))
after(() => rmSync(folder, { recursive: true }))

function tokenFile(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

async function start(t: TestContext, ...args: string[]): Promise<Server> {
  const server = await startServer(['--threads', '1', '--log-level', 'debug', ...args])
  t.after(() => server.stop())
  return server
}

function share(...args: string[]): Promise<Server> {
  return sharedServer(['--threads', '1', '--log-level', 'debug', ...args])
}

const GUARDED = [
  '--publish-token',
  `${PUBLISH},${OTHER_PUBLISH}`,
  '--admin-token',
  ADMIN,
  '--subscribe-token',
  SUBSCRIBE,
  '--api-events',
  'loopback',
]

/** Of each right a token that is needed, but public events; and no status for anyone. */
const HALF_OPEN = [
  '--publish-token',
  PUBLISH,
  '--subscribe-token',
  `${ODD},${SHORTEST},${LONGEST}`,
  '--admin-token',
  ADMIN,
  '--admin',
  'off',
]

interface Seen {
  readonly status: number
  readonly challenge: string | null
  readonly code: unknown
}

async function ask(
  server: Server,
  method: string,
  path: string,
  authorization?: string,
): Promise<Seen> {
  const headers = authorization === undefined ? {} : { Authorization: authorization }
  const body = method === 'POST' ? { body: '{}' } : {}
  const response = await fetch(server.url + path, { method, headers, ...body })
  const challenge = response.headers.get('www-authenticate')
  assert.equal(response.headers.get('access-control-allow-origin'), '*')
  const { status } = response
  const isProblem = response.headers.get('content-type') === 'application/problem+json'
  if (isProblem && method !== 'HEAD') {
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff')
    const problem = (await response.json()) as { code: string; status: number }
    assert.equal(problem.status, status)
    return { status, challenge, code: problem.code }
  }
  await response.body?.cancel()
  return { status, challenge, code: undefined }
}

const doors = [
  ['POST', '/publish/pets', 'publish', PUBLISH],
  ['POST', '/api/events', 'publish', OTHER_PUBLISH],
  ['GET', '/admin/status.json', 'admin', ADMIN],
  ['HEAD', '/admin/status.json', 'admin', ADMIN],
  ['GET', '/admin/connections.json', 'admin', ADMIN],
  ['GET', '/admin/topics.json', 'admin', ADMIN],
  ['GET', '/admin/slow.json', 'admin', ADMIN],
  ['GET', '/admin/events', 'admin', ADMIN],
  ['GET', '/events', 'subscribe', SUBSCRIBE],
  ['HEAD', '/events', 'subscribe', SUBSCRIBE],
  ['GET', '/subscribe/pets', 'subscribe', SUBSCRIBE],
] as const

describe('a path that needs a token', () => {
  for (const [method, path, right, token] of doors) {
    it(`${method} ${path} takes one of its right, and no other`, async () => {
      const server = await share(...GUARDED)
      const code = (name: string): string | undefined => (method === 'HEAD' ? undefined : name)
      const realm = 'Bearer realm="carillon"'
      const good = await ask(server, method, path, `Bearer ${token}`)
      assert.deepEqual(good, { status: 200, challenge: null, code: undefined })
      assert.equal((await ask(server, method, path, `bEARER   ${token} `)).status, 200)
      for (const absent of [undefined, 'Basic cHVibGlzaDo=', token]) {
        assert.deepEqual(await ask(server, method, path, absent), {
          status: 401,
          challenge: realm,
          code: code('token_missing'),
        })
      }
      for (const wrong of [UNKNOWN, token.slice(0, -1), `x${token}`, token.toUpperCase()]) {
        assert.deepEqual(await ask(server, method, path, `Bearer ${wrong}`), {
          status: 401,
          challenge: `${realm}, error="invalid_token"`,
          code: code('token_unknown'),
        })
      }
      for (const other of [PUBLISH, ADMIN, SUBSCRIBE]) {
        if (other.startsWith(right)) continue
        assert.deepEqual(await ask(server, method, path, `Bearer ${other}`), {
          status: 403,
          challenge: `${realm}, error="insufficient_scope", scope="${right}"`,
          code: code('token_not_enough'),
        })
      }
      for (const malformed of ['Bearer', 'Bearer a b', `Bearer "${token}"`, `Bearer ${token},`]) {
        assert.deepEqual(await ask(server, method, path, malformed), {
          status: 400,
          challenge: `${realm}, error="invalid_request"`,
          code: code('token_malformed'),
        })
      }
      assert.equal((await ask(server, 'OPTIONS', path)).status, 204, 'a preflight needs none')
    })
  }

  it('takes each of several', async () => {
    const server = await share(...GUARDED)
    for (const token of [PUBLISH, OTHER_PUBLISH]) {
      assert.equal((await ask(server, 'POST', '/publish/a', `Bearer ${token}`)).status, 200)
    }
  })

  it('refuses two Authorization headers, whatever is in them', async () => {
    const server = await share(...GUARDED)
    const line = `Authorization: Bearer ${PUBLISH}\r\n`
    const answer = await exchange(server.port, [post('/publish/a', 'x', line + line)])
    assert.match(answer, /^HTTP\/1.1 400 Bad Request\r\n/)
    assert.match(answer, /"code":"token_malformed"/)
  })

  it('publishes nothing of what it refuses', async () => {
    const server = await share(...GUARDED)
    const reader = new RawSubscriber(
      server.port,
      '/subscribe/',
      `Authorization: Bearer ${SUBSCRIBE}\r\n`,
    )
    await reader.opened()
    await ask(server, 'POST', '/publish/a')
    await ask(server, 'POST', '/publish/a', `Bearer ${ADMIN}`)
    const wanted = post('/publish/a', 'wanted', `Authorization: Bearer ${PUBLISH}\r\n`)
    await exchange(server.port, [wanted])
    await reader.received(1)
    assert.deepEqual(reader.events, ['wanted'])
    reader.close()
  })
})

describe('?access_token=', () => {
  it('opens a stream, and nothing else', async () => {
    const server = await share(...GUARDED)
    for (const path of ['/events', '/subscribe/pets', '/subscribe']) {
      assert.equal((await ask(server, 'GET', `${path}?a=b&access_token=${SUBSCRIBE}`)).status, 200)
    }
    for (const [method, path, token] of [
      ['POST', '/publish/a', PUBLISH],
      ['GET', '/admin/status.json', ADMIN],
    ] as const) {
      const seen = await ask(server, method, `${path}?access_token=${token}`)
      assert.equal(seen.code, 'token_missing', path)
    }
  })

  it('is percent-decoded, and needed only once', async () => {
    const server = await share(...HALF_OPEN)
    const encoded = encodeURIComponent(ODD)
    assert.equal((await ask(server, 'GET', `/events?access_token=${encoded}`)).status, 200)
    const twice = await ask(
      server,
      'GET',
      `/events?access_token=${encoded}&access_token=${encoded}`,
    )
    assert.equal(twice.code, 'token_malformed')
    const both = await ask(server, 'GET', `/events?access_token=${encoded}`, `Bearer ${ODD}`)
    assert.equal(both.code, 'token_malformed')
    assert.equal((await ask(server, 'GET', '/events?access_token=')).code, 'token_malformed')
  })

  it('lets an EventSource in, and is in no log line and not in the status', async (t) => {
    const server = await start(t, ...GUARDED)
    const source = new EventSource(`${server.url}/subscribe/pets?access_token=${SUBSCRIBE}`)
    t.after(() => source.close())
    const got: string[] = []
    source.addEventListener('message', ({ data }) => got.push(data))
    await until(() => source.readyState === source.OPEN, 'it is open')
    const publish = {
      method: 'POST',
      body: 'woof',
      headers: { Authorization: `Bearer ${PUBLISH}` },
    }
    assert.equal((await fetch(`${server.url}/publish/pets/dogs`, publish)).status, 200)
    await until(() => got.length > 0, 'the event comes')
    const admin = { headers: { Authorization: `Bearer ${ADMIN}` } }
    const status = await (await fetch(`${server.url}/admin/status.json`, admin)).text()
    assert.match(status, /"request_path": "\/subscribe\/pets"/)
    await ask(server, 'GET', `/events?access_token=${UNKNOWN}`)
    source.close()
    await server.stop()
    assert.ok(server.log.some((line) => line.includes('subscriber connected')))
    for (const token of [PUBLISH, ADMIN, SUBSCRIBE, UNKNOWN]) {
      for (const text of [status, ...server.log]) assert.ok(!text.includes(token), text)
    }
  })
})

describe('what tokens change', () => {
  it('nothing for /api/events where it is public', async () => {
    const server = await share(...HALF_OPEN)
    assert.equal((await ask(server, 'POST', '/api/events')).status, 200)
    assert.equal((await ask(server, 'POST', '/publish/a')).status, 401)
  })

  it('lets in from anywhere, also by a proxy', async () => {
    const server = await share(...GUARDED)
    const lines = (token: string): string =>
      `X-Forwarded-For: 203.0.113.9\r\nAuthorization: Bearer ${token}\r\n`
    const answer = await exchange(server.port, [post('/publish/a', 'x', lines(PUBLISH))])
    assert.match(answer, /^HTTP\/1.1 200 OK\r\n/)
  })

  it('leaves nothing open by --publish public, --admin public', async (t) => {
    const server = await start(t, ...GUARDED, '--publish', 'public', '--admin', 'public')
    assert.equal((await ask(server, 'POST', '/publish/a')).status, 401)
    assert.equal((await ask(server, 'GET', '/admin/status.json')).status, 401)
    await server.stop()
    assert.ok(server.log.some((line) => line.includes('--publish public opens nothing')))
  })

  it('leaves --admin off closed', async () => {
    const server = await share(...HALF_OPEN)
    const headers = { Authorization: `Bearer ${ADMIN}` }
    const response = await fetch(`${server.url}/admin/status.json`, { headers })
    assert.equal(response.status, 403)
    assert.equal(await response.text(), '403 admin endpoint disabled')
  })
})

describe('a token file', () => {
  it('has a token a line; comments and empty lines are left out', async () => {
    const text = `# of the players\r\n\n  ${PUBLISH}  \n${OTHER_PUBLISH}\n#${UNKNOWN}\n`
    const files = `${tokenFile('one', text)},${tokenFile('two', ADMIN)}`
    const server = await share('--publish-token-file', files, '--publish-token', SUBSCRIBE)
    for (const token of [PUBLISH, OTHER_PUBLISH, ADMIN, SUBSCRIBE]) {
      assert.equal((await ask(server, 'POST', '/publish/a', `Bearer ${token}`)).status, 200)
    }
    assert.equal((await ask(server, 'POST', '/publish/a', `Bearer ${UNKNOWN}`)).status, 401)
  })

  const bad: readonly [text: string | undefined, why: RegExp][] = [
    [undefined, /: ENOENT/],
    ['', /: it has no token$/],
    ['# only this\n', /: it has no token$/],
    [`${PUBLISH}\nshort-secret\n`, /: line 2 is no token: 16 to 512 characters of/],
    [`${PUBLISH} ${ADMIN}\n`, /: line 1 is no token/],
  ]
  for (const [index, [text, why]] of bad.entries()) {
    it(`that is ${JSON.stringify(text) ?? 'missing'} ends the start, and is not shown`, async () => {
      const path = text === undefined ? join(folder, 'missing') : tokenFile(`bad${index}`, text)
      const { code, stderr } = await runCommand(['--admin-token-file', path])
      assert.equal(code, 2)
      assert.match(stderr.trim(), why)
      assert.ok(stderr.startsWith(`carillon: --admin-token-file: ${path}: `), stderr)
      for (const secret of [PUBLISH, ADMIN, 'short-secret']) assert.ok(!stderr.includes(secret))
    })
  }
})

describe('a token that cannot be used', () => {
  const short = 'a'.repeat(15)
  for (const text of [short, 'a'.repeat(513), 'with space 0123456', 'umlaut-äöü-0123456789']) {
    it(`ends the start, and is not shown: ${text.length} characters`, async () => {
      const { code, stderr } = await runCommand([], { CARILLON_SUBSCRIBE_TOKEN: text })
      assert.equal(code, 2)
      assert.match(stderr, /^carillon: CARILLON_SUBSCRIBE_TOKEN: \*\*\* cannot be used: it must be/)
      assert.ok(!stderr.includes(text))
    })
  }

  it('is not so short or so long as the bounds', async () => {
    const server = await share(...HALF_OPEN)
    for (const token of [SHORTEST, LONGEST]) {
      assert.equal((await ask(server, 'GET', '/events', `Bearer ${token}`)).status, 200)
    }
  })
})

describe('a start on an address that others reach', () => {
  const open: readonly [args: string[], warns: RegExp | undefined][] = [
    [['--host', '0.0.0.0'], /POST \/api\/events \(--api-events loopback closes it\)/],
    [['--host', '0.0.0.0', '--publish', 'public'], /POST \/publish \(--publish-token closes it\)/],
    [['--host', '0.0.0.0', '--api-events', 'loopback'], undefined],
    [['--host', '0.0.0.0', '--publish-token', PUBLISH, '--api-events', 'loopback'], undefined],
    [['--host', '127.0.0.1', '--publish', 'public'], undefined],
  ]
  for (const [args, warns] of open) {
    it(`warns of open publishing, or does not: ${args.join(' ')}`, async (t) => {
      const server = await start(t, ...args)
      await server.stop()
      const lines = server.log.filter((line) => line.includes('publishing is open'))
      assert.equal(lines.length, warns === undefined ? 0 : 1, server.log.join('\n'))
      if (warns !== undefined) assert.match(lines[0] as string, warns)
    })
  }
})
