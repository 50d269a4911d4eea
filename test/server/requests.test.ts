// Requests that no well-behaved client sends, on raw sockets: cut, stalled, pipelined, oversized,
// ambiguous. The server answers as HTTP/1.1 says or closes, publishes nothing that is in doubt,
// and lives on.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type Answer, ask, assertProblem, Connection, get } from '../kit/connection.ts'
import { post } from '../kit/raw.ts'
import { type Server, startServer } from '../kit/server.ts'
import { RawSubscriber } from '../kit/subscriber.ts'
import { until } from '../kit/until.ts'

const CHUNKED = 'Transfer-Encoding: chunked\r\n'
/** Long enough for the other side to have read one segment before the next is there. */
const BETWEEN_SEGMENTS_MS = 2
/** uWebSockets.js closes a silent connection after 8 to 12 s: before that, the server has done so. */
const CLOSED_WITHIN_MS = 7000

let server: Server

interface Status {
  readonly connections: readonly { readonly namespace: string }[]
}

async function statusOf(port: number): Promise<Status> {
  return JSON.parse((await ask(port, get('/admin/status.json'))).body) as Status
}

/** Resolves when no subscriber is left, and checks that the server is well. */
async function assertWell(): Promise<void> {
  await until(
    async () => (await statusOf(server.port)).connections.length === 0,
    'every subscriber is gone',
  )
  assert.equal((await ask(server.port, get('/health'))).status, 200)
  assert.deepEqual(
    server.log.filter((line) => !line.includes('"level":30')),
    [],
    'no warning and no error in the log',
  )
}

async function sendInSegments(connection: Connection, segments: Iterable<string>): Promise<void> {
  for (const segment of segments) {
    await connection.send(segment)
    await delay(BETWEEN_SEGMENTS_MS)
  }
}

// uWebSockets.js closes these after 8 to 12 s of silence: they wait while the other tests run.
const stalled: readonly [name: string, bytes: string][] = [
  ['a body that stops', post('/api/events', '{"stalled":true}').toString().slice(0, -4)],
  ['a chunked body that stops', `${get('/api/events', CHUNKED, 'POST')}e\r\n{"stalled":1}`],
  ['a head that stops', 'POST /api/events HTTP/1.1\r\nHost: te'],
  ['a connection before its first byte', ''],
  // uWebSockets.js reads on after these, as if the rest of the head were still to come.
  ['a head without a Host', 'GET /health HTTP/1.1\r\n\r\n'],
  ['a head with a folded header', get('/health', 'X: a\r\n b\r\n')],
  ['a head with a space before a colon', get('/health', 'X-A : b\r\n')],
  ['a head with NUL', get('/health', 'X-A: b\u0000c\r\n')],
  ['a head as of HTTP/0.9', 'GET /health\r\n\r\n'],
]
let patient: Server
let witness: RawSubscriber
let waiting: readonly Connection[] = []
before(async () => {
  patient = await startServer(['--threads', '1'])
  witness = await new RawSubscriber(patient.port).opened()
  waiting = stalled.map(() => new Connection(patient.port))
  await Promise.all(stalled.map(([, bytes], index) => waiting[index]?.send(bytes)))
})
after(() => {
  witness.close()
  return patient.stop()
})

describe('requests in odd segments', () => {
  let subscriber: RawSubscriber
  before(async () => {
    server = await startServer(['--threads', '1', '--no-user-ip'])
    subscriber = await new RawSubscriber(server.port).opened()
  })
  after(() => {
    subscriber.close()
    return server.stop()
  })

  const bytewise: readonly [name: string, head: string, body: string][] = [
    [
      'a body with Content-Length',
      get('/api/events', 'Content-Length: 19\r\n', 'POST'),
      '{"a":"bytes é"}  \r\n',
    ],
    [
      'a body in chunks',
      get('/api/events', CHUNKED, 'POST'),
      '3\r\n{"a\r\nd\r\n":"bytes é"} \r\n0\r\n\r\n',
    ],
  ]
  for (const [name, head, body] of bytewise) {
    test(`${name} is put together from segments of one byte`, async () => {
      const count = subscriber.events.length
      const connection = new Connection(server.port)
      await connection.send(head)
      for (const byte of Buffer.from(body)) {
        await connection.send(Uint8Array.of(byte))
        await delay(BETWEEN_SEGMENTS_MS)
      }
      assert.equal((await connection.answered())[0]?.status, 200)
      await subscriber.received(count + 1)
      assert.equal(subscriber.events[count]?.trimEnd(), '{"a":"bytes é"}')
      connection.close()
    })
  }

  test('two POSTs in one segment get two answers, and their events keep their order', async () => {
    const count = subscriber.events.length
    const connection = new Connection(server.port)
    const bad = post('/api/events', 'null')
    const good = post('/api/events', '{"n":1}')
    await connection.send(Buffer.concat([bad, good]))
    const answers = await connection.answered(2)
    assert.deepEqual(
      answers.map(({ status }) => status),
      [400, 200],
    )
    await connection.send(
      Buffer.concat([2, 3, 4].map((n) => post('/publish/events', `{"n":${n}}`))),
    )
    await connection.answered(5)
    await subscriber.received(count + 4)
    assert.deepEqual(subscriber.events.slice(count), ['{"n":1}', '{"n":2}', '{"n":3}', '{"n":4}'])
    connection.close()
  })

  test('requests of different kinds in one segment are answered in order', async () => {
    const connection = new Connection(server.port)
    const requests = [
      get('/ready'),
      post('/api/events', '{}').toString(),
      get('/nope'),
      get('/api/events', CHUNKED, 'POST').concat('2\r\n{}\r\n0\r\n\r\n'),
      get('/health', 'Content-Length: 5\r\n').concat('hello'),
      get('/events', '', 'DELETE'),
      get('/publish/x', `Via: proxy\r\n${CHUNKED}`, 'POST').concat('1\r\nx\r\n0\r\n\r\n'),
      get('/ready'),
    ]
    await connection.send(requests.join(''))
    const answers = await connection.answered(requests.length)
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 404, 200, 200, 405, 403, 200],
    )
    connection.close()
  })

  test('two pipelined POSTs are told apart wherever the segments are cut', async () => {
    const one = post('/api/events', '{"n":1}').toString()
    const both = one + post('/api/events', '{"n":2}').toString()
    const line = one.indexOf('\r\n') + 2
    const connection = new Connection(server.port)
    let answers = 0
    let events = subscriber.events.length
    for (let cut = 1; cut < both.length; cut++) {
      // uWebSockets.js answers 505 to a request line that ends before its version: a fault of the
      // pinned build, and the one place where a cut is not tried.
      if (cut < line || (cut >= one.length && cut < one.length + line)) continue
      await sendInSegments(connection, [both.slice(0, cut), both.slice(cut)])
      answers += 2
      await connection.answered(answers)
      await subscriber.received(events + 2)
      assert.deepEqual(subscriber.events.slice(events), ['{"n":1}', '{"n":2}'], `cut at ${cut}`)
      events += 2
    }
    assert.ok(connection.answers.every(({ status }) => status === 200))
    connection.close()
  })

  test('Expect: 100-continue gets its interim answer before the body is sent', async () => {
    const connection = new Connection(server.port)
    const headers = 'Expect: 100-continue\r\nContent-Length: 2\r\n'
    await connection.send(get('/api/events', headers, 'POST'))
    assert.equal((await connection.answered())[0]?.statusLine, 'HTTP/1.1 100 Continue')
    await connection.send('{}')
    assert.equal((await connection.answered(2))[1]?.statusLine, 'HTTP/1.1 200 OK')
    connection.close()
  })

  test('chunked bodies of any sizes of chunk are taken', async () => {
    const body = `{"fill":"${'x'.repeat(100_000)}"}`
    for (const size of [1000, 4096, 65_535, 65_536, body.length]) {
      const count = subscriber.events.length
      let text = get('/api/events', CHUNKED, 'POST')
      for (let at = 0; at < body.length; at += size) {
        const part = body.slice(at, at + size)
        text += `${part.length.toString(16).toUpperCase()}\r\n${part}\r\n`
      }
      assert.equal((await ask(server.port, `${text}0\r\n\r\n`)).status, 200)
      await subscriber.received(count + 1)
      assert.ok(subscriber.events[count] === body, `chunks of ${size}`)
    }
  })
})

describe('heads that are large or cannot be trusted', () => {
  before(async () => {
    server = await startServer(['--threads', '1'])
  })
  after(() => server.stop())

  /** A whole head of so many bytes, most of them in `count` cookies. */
  function headOf(bytes: number, count = 1): string {
    const cookies = (fill: number): string =>
      Array.from({ length: count }, () => `Cookie: ${'c'.repeat(fill)}\r\n`).join('')
    const fill = Math.floor((bytes - get('/ready', cookies(0)).length) / count)
    const rest = bytes - get('/ready', cookies(fill)).length
    return get('/ready', cookies(fill).replace('Cookie: ', `Cookie: ${'r'.repeat(rest)}`))
  }

  for (const count of [1, 90]) {
    test(`16 KiB of head in ${count} cookies are taken, one byte more gets 431`, async () => {
      const most = headOf(16_384, count)
      assert.equal(most.length, 16_384)
      assert.equal((await ask(server.port, most)).status, 200)
      const connection = new Connection(server.port)
      await connection.send(headOf(16_385, count))
      await connection.closed(CLOSED_WITHIN_MS)
      assert.equal(connection.answers[0]?.status, 431)
    })
  }

  test('16 KiB of head are taken in segments too, and an endless head gets 431', async () => {
    const connection = new Connection(server.port)
    const most = headOf(16_384)
    await sendInSegments(connection, [
      most.slice(0, 100),
      most.slice(100, 9000),
      most.slice(9000, 16_383),
      most.slice(16_383),
    ])
    assert.equal((await connection.answered())[0]?.status, 200)
    await sendInSegments(connection, [most.slice(0, 9000), 'x'.repeat(9000), 'x'.repeat(9000)])
    await connection.closed(CLOSED_WITHIN_MS)
    assert.equal(connection.answers[1]?.status, 431)
  })

  test('--header-bytes-max sets the limit', async () => {
    const own = await startServer(['--threads', '1', '--header-bytes-max', '4096'])
    try {
      assert.equal((await ask(own.port, headOf(4096))).status, 200)
      assert.equal((await ask(own.port, headOf(4097))).status, 431)
    } finally {
      await own.stop()
    }
  })

  const chunk = '2\r\n{}\r\n0\r\n\r\n'
  const ambiguous: readonly [name: string, headers: string, body?: string][] = [
    ['two different Content-Length', 'Content-Length: 2\r\nContent-Length: 3\r\n'],
    ['two equal Content-Length', 'Content-Length: 2\r\nContent-Length: 2\r\n'],
    ['an empty Content-Length', 'Content-Length: \r\n'],
    ['an empty Content-Length and another', 'Content-Length: \r\nContent-Length: 2\r\n'],
    ['an unknown Transfer-Encoding', 'Transfer-Encoding: xchunked\r\n', chunk],
    ['two Transfer-Encodings in one', 'Transfer-Encoding: gzip, chunked\r\n', chunk],
    ['two Transfer-Encodings', `${CHUNKED}${CHUNKED}`, chunk],
  ]
  for (const [name, headers, body = '{}'] of ambiguous) {
    test(`${name} gets 400, and the connection is closed`, async () => {
      const subscriber = await new RawSubscriber(server.port).opened()
      const connection = new Connection(server.port)
      await connection.send(get('/api/events', headers, 'POST') + body)
      await connection.closed(CLOSED_WITHIN_MS)
      assert.equal(connection.answers.length, 1)
      assertProblem(connection.answers[0] as Answer, 400, 'bad_request_head')
      await ask(server.port, post('/publish/events', 'marker'))
      await subscriber.received(1)
      assert.deepEqual(subscriber.events, ['marker'])
      subscriber.close()
    })
  }

  // These the HTTP parser of uWebSockets.js refuses itself, with an answer of its own.
  const refused: readonly [name: string, request: string, status: number][] = [
    [
      'Content-Length with Transfer-Encoding',
      `${get('/api/events', `Content-Length: 2\r\n${CHUNKED}`, 'POST')}2\r\n{}\r\n0\r\n\r\n`,
      400,
    ],
    ['a signed Content-Length', `${get('/api/events', 'Content-Length: +2\r\n', 'POST')}{}`, 400],
    ['a list of lengths', `${get('/api/events', 'Content-Length: 2, 2\r\n', 'POST')}{}`, 400],
    [
      'a length beyond 64 bits',
      `${get('/api/events', `Content-Length: ${'9'.repeat(26)}\r\n`, 'POST')}{}`,
      400,
    ],
    ['a chunk size that is no number', `${get('/api/events', CHUNKED, 'POST')}zz\r\n{}\r\n`, 400],
    ['a negative chunk size', `${get('/api/events', CHUNKED, 'POST')}-2\r\n{}\r\n0\r\n\r\n`, 400],
    [
      'a chunk size beyond 64 bits',
      `${get('/api/events', CHUNKED, 'POST')}${'f'.repeat(17)}2\r\n{}\r\n0\r\n\r\n`,
      400,
    ],
    ['HTTP/1.0', 'GET /health HTTP/1.0\r\nHost: test\r\n\r\n', 505],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 \r\n\r\n', 505],
    ['no Host', 'POST /api/events HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}', 400],
  ]
  for (const [name, request, status] of refused) {
    test(`${name} gets ${status}, and the connection is closed`, async () => {
      const connection = new Connection(server.port)
      await connection.send(request)
      await connection.closed(CLOSED_WITHIN_MS)
      assert.deepEqual(
        connection.answers.map((answer) => answer.status),
        [status],
      )
    })
  }

  test('none of them has published anything or harmed the server', async () => {
    const { body } = await ask(server.port, get('/admin/status.json'))
    const { msgs_broadcast } = JSON.parse(body) as { msgs_broadcast: number }
    // One marker for each ambiguous head.
    assert.equal(msgs_broadcast, ambiguous.length)
    await assertWell()
  })
})

describe('paths and methods', () => {
  // Nothing is published here, so the witness of the other may be there.
  before(() => {
    server = patient
  })

  const unknown = [
    '/nope',
    '/healthz',
    '/HEALTH',
    '/health/',
    '//health',
    '/%68ealth',
    '/health%00',
    '/health/../ready',
    '/%2e%2e/health',
    '/.%2e/%2e./etc/passwd',
    '/../../etc/passwd',
    '/events/',
    '/events/x',
    '/subscribers',
    '/api/events/',
    '/api/events%2f',
    '/api/../health',
    '/admin/status.json/',
    '/dist/main.js',
  ]
  for (const path of unknown) {
    test(`${path} is unknown to GET, HEAD and POST`, async () => {
      const answer = await ask(server.port, get(path))
      assertProblem(answer, 404, 'not_found')
      assert.equal(answer.headers.get('access-control-allow-origin'), '*')
      assertProblem(await ask(server.port, post(path, '{}')), 404, 'not_found')
      const connection = new Connection(server.port, true)
      await connection.send(get(path, '', 'HEAD') + get('/ready'))
      const [head, next] = await connection.answered(2)
      assert.equal(head?.status, 404)
      assert.equal(next?.statusLine, 'HTTP/1.1 200 OK', 'no body to HEAD')
      connection.close()
    })
  }

  test('a query changes no route', async () => {
    for (const path of ['/health?', '/health?x=/../y', '/ready?%00']) {
      assert.equal((await ask(server.port, get(path))).status, 200, path)
    }
  })

  const routes: readonly [path: string, allow: string, methods: string[]][] = [
    ['/api/events', 'POST, OPTIONS', ['GET', 'PUT']],
    ['/publish', 'POST, OPTIONS', ['GET', 'PUT']],
    ['/publish/a', 'POST, OPTIONS', ['GET', 'DELETE']],
    ['/events', 'GET, HEAD, OPTIONS', ['POST', 'PUT', 'DELETE', 'PATCH', 'BREW']],
    ['/subscribe', 'GET, HEAD, OPTIONS', ['POST', 'PUT']],
    ['/subscribe/a', 'GET, HEAD, OPTIONS', ['POST', 'PUT', 'DELETE', 'PATCH', 'TRACE']],
    ['/health', 'GET, HEAD, OPTIONS', ['POST', 'PUT']],
    ['/ready', 'GET, HEAD, OPTIONS', ['POST', 'DELETE']],
    ['/admin/status.json', 'GET, HEAD, OPTIONS', ['POST', 'DELETE']],
  ]
  for (const [path, allow, methods] of routes) {
    test(`${path} allows ${allow}`, async () => {
      for (const method of methods) {
        const request = get(path, 'Content-Length: 2\r\n', method).concat('{}')
        const answer = await ask(server.port, request)
        assertProblem(answer, 405, 'method_not_allowed')
        assert.equal(answer.headers.get('allow'), allow, method)
        assert.equal(answer.headers.get('access-control-allow-origin'), '*')
      }
      const preflight = await ask(
        server.port,
        get(path, 'Origin: https://a.example\r\n', 'OPTIONS'),
      )
      assert.equal(preflight.status, 204)
      assert.equal(preflight.headers.get('access-control-allow-methods'), allow)
    })
  }
})

describe('clients that hang up', () => {
  before(async () => {
    server = await startServer(['--threads', '2', '--no-user-ip'])
  })
  after(() => server.stop())

  /** Sends the bytes and hangs up: with FIN, or with RST as a killed process behind NAT. */
  async function hangUpAfter(bytes: string, isReset: boolean): Promise<void> {
    const socket = connect(server.port, '127.0.0.1')
    socket.on('error', () => {})
    await once(socket, 'connect')
    await new Promise((resolve) => socket.write(bytes, resolve))
    if (isReset) socket.resetAndDestroy()
    else socket.destroy()
  }

  test('a subscriber between any two bytes of its GET', async () => {
    const request = get('/subscribe/cut?x=1', 'Accept: text/event-stream\r\n')
    for (let cut = 0; cut <= request.length; cut++) {
      await hangUpAfter(request.slice(0, cut), cut % 2 === 0)
      await ask(server.port, post('/publish/cut', `${cut}`))
    }
    await assertWell()
  })

  test('a publisher between any two bytes of its POST: only whole ones are published', async () => {
    const subscriber = await new RawSubscriber(server.port).opened()
    const request = post('/api/events', '{"cut":true}').toString()
    const isReset = (cut: number): boolean => cut % 2 === 0
    for (let cut = 0; cut < request.length; cut++) {
      await hangUpAfter(request.slice(0, cut), isReset(cut))
    }
    await ask(server.port, post('/api/events', '{"whole":true}'))
    await subscriber.received(1)
    assert.deepEqual(subscriber.events, ['{"whole":true}'])
    subscriber.close()
    await assertWell()
  })

  test('subscribers at any point of a flood: the others miss nothing', async () => {
    const steady = await Promise.all(
      [0, 1, 2, 3].map(() => new RawSubscriber(server.port, '/subscribe/flood').opened()),
    )
    const bodies = Array.from({ length: 1500 }, (_, n) => `${n} ${'x'.repeat(n % 700)}`)
    const publisher = new Connection(server.port)
    let leavers = 0
    for (let at = 0; at < bodies.length; at += 30) {
      // Each hangs up when it has read so many bytes: in a head, in a frame, between two chunks.
      const leaver = connect(server.port, '127.0.0.1')
      leaver.on('error', () => {})
      leaver.write(get('/subscribe/flood'))
      let left = at * 11
      leaver.on('data', (chunk) => {
        left -= chunk.length
        if (left > 0) return
        leavers++
        if (leavers % 2 === 0) leaver.resetAndDestroy()
        else leaver.destroy()
      })
      const part = bodies.slice(at, at + 30).map((body) => post('/publish/flood', body))
      await publisher.send(Buffer.concat(part))
      await publisher.answered(at + 30)
    }
    assert.ok(publisher.answers.every(({ status }) => status === 200))
    for (const subscriber of steady) {
      await subscriber.received(bodies.length)
      assert.deepEqual(subscriber.events, bodies)
    }
    assert.ok(leavers > 20, `${leavers} have left`)
    publisher.close()
    for (const subscriber of steady) subscriber.close()
  })

  test('hundreds at once', async () => {
    const crowd = Array.from({ length: 300 }, () => new RawSubscriber(server.port, '/subscribe'))
    await Promise.all(crowd.map((subscriber) => subscriber.opened()))
    for (const subscriber of crowd) subscriber.socket.resetAndDestroy()
    for (let n = 0; n < 20; n++) await ask(server.port, post('/publish/crowd', 'x'))
    await until(async () => {
      const { connections } = await statusOf(server.port)
      // Leavers of the test before that never read enough may still be there.
      return connections.every(({ namespace }) => namespace !== '/')
    }, 'the crowd is gone')
    assert.equal((await ask(server.port, get('/health'))).status, 200)
  })

  test('a subscriber that talks on its stream harms nobody', async () => {
    const talker = await new RawSubscriber(server.port, '/subscribe/talk').opened()
    talker.socket.write(get('/ready') + post('/publish/talk', 'x').toString())
    const quiet = await new RawSubscriber(server.port, '/subscribe/talk').opened()
    assert.equal((await ask(server.port, post('/publish/talk', 'y'))).status, 200)
    await until(() => quiet.events.includes('y'), 'the event')
    quiet.close()
    talker.close()
    assert.equal((await ask(server.port, get('/health'))).status, 200)
  })
})

describe('requests that never end', () => {
  for (const [index, [name]] of stalled.entries()) {
    test(`${name}: the connection is closed without an answer`, async () => {
      const connection = waiting[index] as Connection
      await connection.closed(20_000)
      assert.deepEqual(connection.answers, [])
    })
  }

  test('nothing of them is published', async () => {
    assert.equal((await ask(patient.port, post('/publish/events', 'marker'))).status, 200)
    await witness.received(1)
    assert.deepEqual(witness.events, ['marker'])
  })
})
