// GET /health, /ready and /admin/status.json: their fields and types, the order of connections
// over several shards, and who may read the status. Monitors and the admin page rely on each.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { after, before, describe, test } from 'node:test'
import { type Answer, ask, assertProblem, Connection, get } from '../kit/connection.ts'
import { post } from '../kit/raw.ts'
import { type Server, startServer } from '../kit/server.ts'
import { RawSubscriber } from '../kit/subscriber.ts'
import { until } from '../kit/until.ts'

const NDJSON = 'Content-Type: application/x-ndjson\r\n'

const STATUS = '/admin/status.json'

const { version } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { version: string }

interface Row {
  readonly request_path: string
  readonly namespace: string
  readonly created_at: number
  readonly client_ip: string
  readonly user_agent: string
  readonly msgs_sent: number
  readonly shard: number
}

interface Status {
  readonly node: string
  readonly status: string
  readonly reported_at: number
  readonly startup_time: number
  readonly msgs_broadcast: number
  readonly connections: readonly Row[]
}

let server: Server

async function statusOf(port = server.port): Promise<Status> {
  const { status, body } = await ask(port, get(STATUS))
  assert.equal(status, 200, body)
  return JSON.parse(body) as Status
}

function nobodyLeft(): Promise<void> {
  return until(async () => (await statusOf()).connections.length === 0, 'nobody is left')
}

function isRecent(seconds: number): boolean {
  return Number.isInteger(seconds) && Math.abs(Date.now() / 1000 - seconds) < 60
}

/** HEAD answers the head of GET: same status, same fields, no body. */
async function assertHeadAsGet(port: number, path: string, headers = ''): Promise<void> {
  const connection = new Connection(port, true)
  await connection.send(get(path, headers, 'HEAD') + get(path, headers))
  const [head, full] = await connection.answered(2)
  assert.equal(head?.statusLine, full?.statusLine)
  assert.equal(head?.body, '')
  for (const name of ['content-type', 'access-control-allow-origin']) {
    assert.equal(head?.headers.get(name), full?.headers.get(name), name)
  }
  connection.close()
}

before(async () => {
  server = await startServer(['--threads', '3'], { env: { NODE_ENV: '', GO_ENV: '', DYNO: '' } })
})
after(() => server.stop())

describe('GET /health', () => {
  test('says PONG with the figures of the process, open to all', async () => {
    const headers = 'X-Forwarded-For: 203.0.113.7\r\nOrigin: https://a.example\r\n'
    const answer = await ask(server.port, get('/health', headers))
    assert.equal(answer.statusLine, 'HTTP/1.1 200 OK')
    assert.equal(answer.headers.get('content-type'), 'application/json')
    assert.equal(answer.headers.get('access-control-allow-origin'), '*')
    const health = JSON.parse(answer.body) as Record<string, unknown>
    assert.deepEqual(Object.keys(health), [
      'message',
      'timestamp',
      'alloc',
      'sys',
      'num_gc',
      'pause_total_ns',
      'threads',
      'subscribers',
      'uptime_s',
      'version',
    ])
    assert.equal(health['message'], 'PONG')
    assert.ok(isRecent(Math.floor((health['timestamp'] as number) / 1000)), 'timestamp in ms')
    for (const name of ['alloc', 'sys']) assert.match(String(health[name]), /^\d+ MiB$/)
    assert.equal(health['threads'], 3)
    for (const name of ['timestamp', 'num_gc', 'pause_total_ns', 'subscribers', 'uptime_s']) {
      assert.ok(Number.isInteger(health[name]) && (health[name] as number) >= 0, name)
    }
    assert.ok((health['uptime_s'] as number) < 60)
    assert.equal(health['version'], version)
  })

  test('adds up the shards: subscribers, heap and collections, within seconds', async () => {
    const crowd = Array.from({ length: 30 }, () => new RawSubscriber(server.port))
    await Promise.all(crowd.map((subscriber) => subscriber.opened()))
    const health = async (): Promise<Record<string, unknown>> =>
      JSON.parse((await ask(server.port, get('/health'))).body)
    await until(async () => (await health())['subscribers'] === 30, '30 subscribers')
    // Something to collect, until it is: an idle server may go without for a long time.
    const batch = post('/publish/any', '{"data":1}\n'.repeat(50_000), NDJSON)
    const hasCollected = async (): Promise<boolean> => {
      assert.equal((await ask(server.port, batch)).status, 200)
      return Number((await health())['num_gc']) > 0
    }
    await until(hasCollected, 'a collection is counted', 20_000)
    const { alloc, sys, num_gc, pause_total_ns } = await health()
    const heap = Number.parseInt(String(alloc), 10)
    assert.ok(heap > 0 && heap < Number.parseInt(String(sys), 10), `${alloc} of ${sys}`)
    assert.ok((num_gc as number) > 0 && (pause_total_ns as number) > 0)
    for (const subscriber of crowd) subscriber.close()
    await until(async () => (await health())['subscribers'] === 0, 'no subscriber')
  })

  test('HEAD answers the same head', () => assertHeadAsGet(server.port, '/health'))
})

describe('GET /ready', () => {
  test('is 200 when the server can serve', async () => {
    const answer = await ask(server.port, get('/ready'))
    assert.equal(answer.status, 200)
    assert.equal(answer.headers.get('content-type'), 'application/json')
    assert.equal(answer.headers.get('access-control-allow-origin'), '*')
    assert.equal(answer.body, '{"ready":true,"reason":"ready","sources":[]}')
  })

  test('HEAD answers the same head', () => assertHeadAsGet(server.port, '/ready'))

  test('is 503 from the moment the server stops, while /health is still 200', async () => {
    const own = await startServer(['--threads', '1'])
    const connection = new Connection(own.port)
    await connection.send(get('/ready'))
    // Ten streams are closed every 50 ms: so many keep the server for a while.
    const crowd = Array.from({ length: 400 }, () => new RawSubscriber(own.port))
    await Promise.all(crowd.map((subscriber) => subscriber.opened()))
    own.process.kill('SIGTERM')
    await until(() => own.log.some((line) => line.includes('stopping')), 'it stops')
    let asked = 1
    const ready = async (): Promise<Answer> => {
      await connection.send(get('/ready'))
      return (await connection.answered(++asked))[asked - 1] as Answer
    }
    await until(async () => (await ready()).status === 503, 'ready turns 503')
    assert.equal(
      connection.answers.at(-1)?.body,
      '{"ready":false,"reason":"draining","sources":[]}',
    )
    await connection.send(get('/health') + post('/api/events', '{}').toString())
    const answers = await connection.answered(asked + 2)
    assert.equal(answers.at(-2)?.status, 200)
    assertProblem(answers.at(-1) as Answer, 503, 'draining')
    assert.match(answers.at(-1)?.headers.get('retry-after') ?? '', /^\d+$/)
    assert.equal(await own.ended, 0)
  })
})

describe('GET /admin/status.json', () => {
  test('describes the node, with a two-space indent', async () => {
    const answer = await ask(server.port, get(STATUS))
    assert.equal(answer.status, 200)
    assert.equal(answer.headers.get('content-type'), 'application/json')
    const status = JSON.parse(answer.body) as Status
    assert.equal(answer.body.trimEnd(), JSON.stringify(status, null, 2))
    assert.equal(status.node, `node-development-${hostname()}`)
    assert.equal(status.status, 'OK')
    assert.ok(isRecent(status.reported_at) && isRecent(status.startup_time))
    assert.ok(status.startup_time <= status.reported_at)
    assert.ok(Number.isInteger(status.msgs_broadcast))
    assert.deepEqual(status.connections, [])
  })

  test('is not readable for pages of other sites unless it is public', async () => {
    const answer = await ask(server.port, get(STATUS))
    assert.equal(answer.headers.has('access-control-allow-origin'), false)
  })

  test('lists the connections of all shards, oldest first, as they were asked for', async () => {
    const agent = 'Räder "quoted" \\ 🚀 <b>'
    const crowd: RawSubscriber[] = []
    for (let n = 0; n < 40; n++) {
      const headers = n === 7 ? `User-Agent: ${agent}\r\n` : 'User-Agent: test/1\r\n'
      const path = `/subscribe/pets//caf%C3%A9%20${n}/?x=1`
      crowd.push(await new RawSubscriber(server.port, path, headers).opened())
    }
    const { body } = await ask(server.port, get(STATUS))
    for (const subscriber of crowd) subscriber.close()
    await nobodyLeft()
    const { connections } = JSON.parse(body) as Status
    assert.equal(body.trimEnd(), JSON.stringify(JSON.parse(body), null, 2))
    assert.deepEqual(
      connections.map(({ request_path }) => request_path),
      crowd.map((_, n) => `/subscribe/pets//caf%C3%A9%20${n}/`),
    )
    for (const [n, row] of connections.entries()) {
      assert.equal(row.namespace, `/pets/café ${n}`)
      assert.ok(isRecent(row.created_at), `${row.created_at}`)
      assert.equal(row.client_ip, '127.0.0.1')
      assert.equal(row.user_agent, n === 7 ? agent : 'test/1')
      assert.equal(row.msgs_sent, 0)
    }
    assert.ok(new Set(connections.map(({ shard }) => shard)).size > 1, 'on more than one shard')
  })

  test('lists hundreds, more than fit a page of the document', async () => {
    const crowd = Array.from({ length: 900 }, () => new RawSubscriber(server.port, '/subscribe/p'))
    await Promise.all(crowd.map((subscriber) => subscriber.opened()))
    const { body } = await ask(server.port, get(STATUS))
    for (const subscriber of crowd) subscriber.close()
    await nobodyLeft()
    const { connections } = JSON.parse(body) as Status
    assert.equal(connections.length, 900)
    assert.equal(body.trimEnd(), JSON.stringify(JSON.parse(body), null, 2))
    const times = connections.map(({ created_at }) => created_at)
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    )
  })

  test('counts events for all (msgs_broadcast) and for each subscriber (msgs_sent)', async () => {
    const { msgs_broadcast: before } = await statusOf()
    const publish = async (topic: string, count: number): Promise<void> => {
      for (let n = 0; n < count; n++) {
        assert.equal((await ask(server.port, post(`/publish${topic}`, 'x'))).status, 200)
      }
    }
    const all = await new RawSubscriber(server.port, '/subscribe/').opened()
    const one = await new RawSubscriber(server.port, '/subscribe/one').opened()
    await publish('/one', 3)
    const late = await new RawSubscriber(server.port, '/subscribe/one').opened()
    await publish('/one', 2)
    await publish('/two', 4)
    await ask(server.port, post('/api/events', '{}'))
    await Promise.all([all.received(10), one.received(5), late.received(2)])
    const due = [
      ['/', 10],
      ['/one', 5],
      ['/one', 2],
    ]
    const status = await statusOf()
    for (const subscriber of [all, one, late]) subscriber.close()
    await nobodyLeft()
    assert.deepEqual(
      status.connections.map(({ namespace, msgs_sent }) => [namespace, msgs_sent]),
      due,
    )
    assert.equal(status.msgs_broadcast, before + 10)
  })

  const addresses: readonly [name: string, headers: string, clientIp: string][] = [
    ['the peer', '', '127.0.0.1'],
    ['X-Forwarded-For', 'X-Forwarded-For: 203.0.113.7\r\n', '203.0.113.7'],
    [
      'X-Real-IP before X-Forwarded-For',
      'X-Forwarded-For: 203.0.113.7\r\nX-Real-IP: 203.0.113.8\r\n',
      '203.0.113.8',
    ],
    ['X-Real-IP of IPv6', 'X-Real-IP: 2001:db8::1\r\n', '2001:db8::1'],
  ]
  for (const [name, headers, clientIp] of addresses) {
    test(`client_ip is ${name} where the peer is trusted`, async () => {
      const subscriber = await new RawSubscriber(server.port, '/events', headers).opened()
      const { connections } = await statusOf()
      subscriber.close()
      await nobodyLeft()
      assert.deepEqual(
        connections.map(({ client_ip, namespace }) => [client_ip, namespace]),
        [[clientIp, '/events']],
      )
    })
  }

  test('HEAD answers the same head', () => assertHeadAsGet(server.port, STATUS))

  const strangers = [
    'X-Forwarded-For: 203.0.113.7',
    'X-Forwarded-For: 127.0.0.1',
    'X-Real-IP: 203.0.113.7',
    'Forwarded: for=127.0.0.1',
    'Via: 1.1 proxy',
    'Origin: https://evil.example',
    'Origin: http://127.evil.example',
  ]
  for (const header of strangers) {
    test(`403 with ${header}, for HEAD without a body`, async () => {
      const answer = await ask(server.port, get(STATUS, `${header}\r\n`))
      assert.match(assertProblem(answer, 403, 'forbidden'), /--admin public/)
      await assertHeadAsGet(server.port, STATUS, `${header}\r\n`)
    })
  }
})

describe('options of the status', () => {
  const forwarded = 'X-Forwarded-For: 203.0.113.7\r\nOrigin: https://a.example\r\n'

  test('--admin public opens it, with CORS', async () => {
    const own = await startServer(['--threads', '1', '--admin', 'public'])
    try {
      const answer = await ask(own.port, get(STATUS, forwarded))
      assert.equal(answer.status, 200)
      assert.equal(answer.headers.get('access-control-allow-origin'), '*')
      assert.equal((JSON.parse(answer.body) as Status).status, 'OK')
      await assertHeadAsGet(own.port, STATUS, forwarded)
    } finally {
      await own.stop()
    }
  })

  test('--admin off answers 403 to everyone, as the original does', async () => {
    const own = await startServer(['--threads', '1', '--admin', 'off'])
    try {
      for (const headers of ['', forwarded]) {
        const answer = await ask(own.port, get(STATUS, headers))
        assert.equal(answer.status, 403)
        assert.equal(answer.body, '403 admin endpoint disabled')
        await assertHeadAsGet(own.port, STATUS, headers)
      }
    } finally {
      await own.stop()
    }
  })

  test('the node is named by NODE_ENV and DYNO, and nobody is trusted with none', async () => {
    const env = { NODE_ENV: 'staging', DYNO: 'web.1' }
    const own = await startServer(['--threads', '1', '--trust-proxy', 'none'], { env })
    try {
      const headers = 'X-Forwarded-For: 203.0.113.7\r\nX-Real-IP: 203.0.113.8\r\n'
      const subscriber = await new RawSubscriber(own.port, '/events', headers).opened()
      const { node, connections } = await statusOf(own.port)
      assert.equal(node, 'node-staging-web.1')
      assert.equal(connections[0]?.client_ip, '127.0.0.1')
      subscriber.close()
    } finally {
      await own.stop()
    }
  })
})
