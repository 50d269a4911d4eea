// POST /api/events on the wire: what it answers to every kind of body, and what subscribers of
// /events then get. Players in the field depend on each row here.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ask, assertProblem, Connection, get } from '../kit/connection.ts'
import { post } from '../kit/raw.ts'
import { type Server, sharedServer, startServer } from '../kit/server.ts'
import { RawSubscriber } from '../kit/subscriber.ts'

const PATH = '/api/events'
const MIB = 1024 * 1024
/** uWebSockets.js closes a silent connection after 8 to 12 s: before that, the server has done so. */
const CLOSED_WITHIN_MS = 7000

let server: Server

/** A server for the tests of one block, and its end. */
function serve(...args: string[]): void {
  before(async () => {
    server = await startServer(['--threads', '2', ...args])
  })
  after(() => server.stop())
}

/** One that others use too. */
function share(...args: string[]): void {
  before(async () => {
    server = await sharedServer(args)
  })
}

/** A JSON object of exactly so many bytes. */
function objectOf(bytes: number): string {
  return `{"fill":"${'x'.repeat(bytes - '{"fill":""}'.length)}"}`
}

/** A POST in chunks of 64 KiB at most. */
function chunkedPost(body: string, headers = ''): string {
  const size = 64 * 1024
  let text = get(PATH, `${headers}Transfer-Encoding: chunked\r\n`, 'POST')
  for (let at = 0; at < body.length; at += size) {
    const part = body.slice(at, at + size)
    text += `${part.length.toString(16)}\r\n${part}\r\n`
  }
  return `${text}0\r\n\r\n`
}

describe('POST /api/events answers', () => {
  share('--threads', '2')

  const accepted: readonly [name: string, body: string, headers?: string][] = [
    ['an object', '{"a":1}'],
    ['an empty object', '{}'],
    ['an object with white space around it', ' \t\r\n{"a":1}\r\n '],
    ['an object sent as text', '{"a":1}', 'Content-Type: text/plain;charset=UTF-8\r\n'],
    ['an object sent as a form', '{"a":1}', 'Content-Type: application/x-www-form-urlencoded\r\n'],
    ['an object sent as JSON', '{"a":1}', 'Content-Type: application/json\r\n'],
    ['an object from a page of any site', '{"a":1}', 'Origin: https://player.example\r\n'],
    ['an object nested 1024 deep', `${'{"a":'.repeat(1023)}{}${'}'.repeat(1023)}`],
    ['an object of 1 MiB less one byte', objectOf(MIB - 1)],
    ['an object of exactly 1 MiB', objectOf(MIB)],
  ]
  for (const [name, body, headers] of accepted) {
    test(`200 without a body to ${name}`, async () => {
      const answer = await ask(server.port, post(PATH, body, headers))
      assert.equal(answer.statusLine, 'HTTP/1.1 200 OK')
      assert.equal(answer.headers.get('content-length'), '0')
      assert.equal(answer.headers.get('access-control-allow-origin'), '*')
      assert.equal(answer.headers.has('content-type'), false)
      assert.equal(answer.body, '')
    })
  }

  const refused: readonly [name: string, body: string | Uint8Array, code: string, why: RegExp][] = [
    ['an array', '[{"a":1}]', 'not_an_object', /an array/],
    ['a string', '"text"', 'not_an_object', /a string/],
    ['a number', '12', 'not_an_object', /a number/],
    ['true', 'true', 'not_an_object', /a boolean/],
    ['null', 'null', 'not_an_object', /null/],
    ['an empty body', '', 'invalid_json', /byte 0.*empty/],
    ['white space only', ' \n ', 'invalid_json', /line 2.*empty/],
    ['text', 'hello', 'invalid_json', /byte 0/],
    ['trailing junk', '{"a":1} x', 'invalid_json', /column 9 .*x where the end/],
    ['two objects', '{"a":1}\n{"a":2}', 'invalid_json', /line 2, column 1/],
    ['an object that ends half way', '{"a":', 'invalid_json', /ends where a value/],
    ['a trailing comma', '{"a":1,}', 'invalid_json', /a key/],
    ['single quotes', "{'a':1}", 'invalid_json', /a key in double quotes/],
    ['a leading zero', '{"a":01}', 'invalid_json', /byte 6/],
    ['NaN', '{"a":NaN}', 'invalid_json', /byte 5/],
    ['a line end in a string', '{"a":"x\ny"}', 'invalid_json', /control character/],
    ['an unknown escape', '{"a":"\\x"}', 'invalid_json', /escape/],
    ['a byte order mark', '\ufeff{"a":1}', 'invalid_json', /byte order mark/],
    ['nesting 1025 deep', '{"a":'.repeat(1025), 'invalid_json', /1024 levels/],
    ['UTF-8 cut short', Buffer.from('{"a":"\xe2\x82"}', 'latin1'), 'invalid_utf8', /UTF-8/],
    ['Latin-1', Buffer.from('{"a":"\xe9"}', 'latin1'), 'invalid_utf8', /UTF-8/],
    ['a surrogate in UTF-8', Buffer.from('{"a":"\xed\xa0\x80"}', 'latin1'), 'invalid_utf8', /UTF/],
  ]
  for (const [name, body, code, why] of refused) {
    test(`400 to ${name}`, async () => {
      const answer = await ask(server.port, post(PATH, body))
      assert.match(assertProblem(answer, 400, code), why)
      assert.equal(answer.headers.get('access-control-allow-origin'), '*')
    })
  }

  test('a refused body leaves the connection usable, and nothing is published', async () => {
    const subscriber = await new RawSubscriber(server.port).opened()
    const connection = new Connection(server.port)
    for (const [, body] of refused) await connection.send(post(PATH, body))
    await connection.send(post(PATH, '{"marker":true}'))
    const statuses = (await connection.answered(refused.length + 1)).map(({ status }) => status)
    assert.deepEqual(statuses, [...refused.map(() => 400), 200])
    await subscriber.received(1)
    assert.deepEqual(subscriber.events, ['{"marker":true,"user_ip":"127.0.0.1"}'])
    connection.close()
    subscriber.close()
  })

  const otherMethods = ['GET', 'PUT', 'PATCH', 'DELETE', 'BREW']
  for (const method of otherMethods) {
    test(`405 with Allow and CORS to ${method}`, async () => {
      const answer = await ask(server.port, get(PATH, 'Content-Length: 0\r\n', method))
      assertProblem(answer, 405, 'method_not_allowed')
      assert.equal(answer.headers.get('allow'), 'POST, OPTIONS')
      assert.equal(answer.headers.get('access-control-allow-origin'), '*')
    })
  }

  test('405 to HEAD without a body, so that the next answer is not mistaken for it', async () => {
    const connection = new Connection(server.port, true)
    await connection.send(get(PATH, '', 'HEAD'))
    await connection.send(get('/ready'))
    const [head, next] = await connection.answered(2)
    assert.equal(head?.status, 405)
    assert.equal(next?.statusLine, 'HTTP/1.1 200 OK')
    connection.close()
  })

  test('204 with the preflight headers to OPTIONS', async () => {
    const asks =
      'Origin: https://player.example\r\nAccess-Control-Request-Method: POST\r\n' +
      'Access-Control-Request-Headers: content-type\r\n'
    const answer = await ask(server.port, get(PATH, asks, 'OPTIONS'))
    assert.equal(answer.statusLine, 'HTTP/1.1 204 No Content')
    assert.equal(answer.body, '')
    // A 204 has no Content-Length (RFC 9110, 8.6).
    assert.equal(answer.headers.has('content-length'), false)
    assert.equal(answer.headers.get('access-control-allow-origin'), '*')
    assert.match(answer.headers.get('access-control-allow-methods') ?? '', /\bPOST\b/)
    assert.match(answer.headers.get('access-control-allow-headers') ?? '', /\bContent-Type\b/)
    assert.match(answer.headers.get('access-control-max-age') ?? '', /^\d+$/)
  })

  const sizes: readonly [name: string, request: (body: string) => string | Uint8Array][] = [
    ['with Content-Length', (body) => post(PATH, body)],
    ['in chunks', (body) => chunkedPost(body)],
  ]
  for (const [name, request] of sizes) {
    test(`the limit of 1 MiB is exact for a body ${name}`, async () => {
      const connection = new Connection(server.port)
      for (const bytes of [MIB - 1, MIB]) await connection.send(request(objectOf(bytes)))
      const taken = await connection.answered(2)
      assert.deepEqual(
        taken.map(({ status }) => status),
        [200, 200],
      )
      await connection.send(request(objectOf(MIB + 1)))
      const answer = (await connection.answered(3))[2]
      assert.ok(answer !== undefined)
      assert.match(assertProblem(answer, 413, 'body_too_large'), /1048576 bytes/)
      assert.equal(answer.headers.get('access-control-allow-origin'), '*')
      assert.equal(answer.headers.get('connection'), 'close')
      await connection.closed(CLOSED_WITHIN_MS)
    })
  }

  test('a publisher that sends far too much still reads the 413', async () => {
    // Closing with bytes unread resets the connection, and the client loses the answer with it
    // (RFC 9112, 9.6). Whether it does is a race, hence the repetition.
    for (let round = 0; round < 20; round++) {
      const body = objectOf(4 * MIB)
      const answer = await fetch(server.url + PATH, { method: 'POST', body })
      assert.equal(answer.status, 413)
      await answer.text()
    }
  })
})

describe('an object with very many user_ip', () => {
  share('--threads', '2')

  test('is refused: a long X-Forwarded-For in each would be gigabytes, and end the shard', async () => {
    const body = `{${Array(86_000).fill('"user_ip":0').join(',')}}`
    const headers = { 'x-forwarded-for': '"'.repeat(15_000) }
    const answer = await fetch(server.url + PATH, { method: 'POST', body, headers })
    assert.equal(answer.status, 400)
    assert.equal(((await answer.json()) as { code: string }).code, 'invalid_json')
    assert.equal((await fetch(`${server.url}/health`)).status, 200)
    assert.deepEqual(
      server.log.filter((line) => line.includes('died')),
      [],
    )
  })
})

describe('what subscribers of /events get', () => {
  let subscriber: RawSubscriber
  serve()
  before(async () => {
    subscriber = await new RawSubscriber(server.port).opened()
  })

  /** What the subscriber gets next after this POST. */
  async function published(body: string, headers = ''): Promise<string | undefined> {
    const count = subscriber.events.length
    const answer = await ask(server.port, post(PATH, body, headers))
    assert.equal(answer.status, 200, answer.body)
    await subscriber.received(count + 1)
    assert.equal(subscriber.events.length, count + 1)
    return subscriber.events[count]
  }

  const texts: readonly [name: string, body: string, data: string][] = [
    ['an object with user_ip added', '{"a":1}', '{"a":1,"user_ip":"127.0.0.1"}'],
    ['an empty object with user_ip', '{}', '{"user_ip":"127.0.0.1"}'],
    ['user_ip replaced where it stands', '{"user_ip":"x","a":1}', '{"user_ip":"127.0.0.1","a":1}'],
    [
      'a user_ip of any kind replaced',
      '{"user_ip":{"b":[1]},"a":1}',
      '{"user_ip":"127.0.0.1","a":1}',
    ],
    [
      'every user_ip replaced, however it is escaped',
      '{"user_ip":1,"\\u0075ser_ip":2}',
      '{"user_ip":"127.0.0.1","\\u0075ser_ip":"127.0.0.1"}',
    ],
    [
      'a nested user_ip left alone',
      '{"a":{"user_ip":"x"}}',
      '{"a":{"user_ip":"x"},"user_ip":"127.0.0.1"}',
    ],
    [
      'numbers as they were written',
      '{"big":12345678901234567890,"one":1.0,"e":1E400,"z":-0}',
      '{"big":12345678901234567890,"one":1.0,"e":1E400,"z":-0,"user_ip":"127.0.0.1"}',
    ],
    ['keys in their order', '{"z":1,"a":2}', '{"z":1,"a":2,"user_ip":"127.0.0.1"}'],
    ['keys that repeat', '{"a":1,"a":2}', '{"a":1,"a":2,"user_ip":"127.0.0.1"}'],
    ['the characters < > &', '{"a":"<b>&"}', '{"a":"<b>&","user_ip":"127.0.0.1"}'],
    [
      'escapes as they were written',
      '{"a":"\\u003c\\/\\n\\ud800"}',
      '{"a":"\\u003c\\/\\n\\ud800","user_ip":"127.0.0.1"}',
    ],
    ['characters beyond ASCII', '{"ä":"€ 🚀 \u2028"}', '{"ä":"€ 🚀 \u2028","user_ip":"127.0.0.1"}'],
    [
      'an object over several lines as one line',
      '{\r\n  "a": [\n    1\r  ]\n}\n',
      '{  "a": [    1  ],"user_ip":"127.0.0.1"}',
    ],
  ]
  for (const [name, body, data] of texts) {
    test(name, async () => {
      assert.equal((await published(body))?.trimEnd(), data)
    })
  }

  const forwarded: readonly [name: string, headers: string, userIp: string][] = [
    ['an address', 'X-Forwarded-For: 203.0.113.7\r\n', '203.0.113.7'],
    ['a list as it is', 'X-Forwarded-For: 203.0.113.7, 10.0.0.1\r\n', '203.0.113.7, 10.0.0.1'],
    ['an IPv6 address', 'X-Forwarded-For: 2001:db8::1\r\n', '2001:db8::1'],
    ['quotes, escaped', 'X-Forwarded-For: a"b\\c\r\n', 'a"b\\c'],
    ['nothing, so the peer', 'X-Forwarded-For: \r\n', '127.0.0.1'],
    ['X-Real-IP only, so the peer', 'X-Real-IP: 203.0.113.9\r\n', '127.0.0.1'],
  ]
  for (const [name, headers, userIp] of forwarded) {
    test(`user_ip where a trusted proxy forwards ${name}`, async () => {
      const data = await published('{"a":1}', headers)
      assert.equal(data, `{"a":1,"user_ip":${JSON.stringify(userIp)}}`)
    })
  }

  test('user_ip as valid JSON and UTF-8 whatever bytes a trusted proxy forwards', async () => {
    const request = post(PATH, '{"a":1}', 'X-Forwarded-For: <\xff\xc3>\r\n')
    const count = subscriber.events.length
    assert.equal((await ask(server.port, Buffer.from(request.toString(), 'latin1'))).status, 200)
    await subscriber.received(count + 1)
    const { user_ip } = JSON.parse(subscriber.events[count] ?? '') as { user_ip: string }
    assert.match(user_ip, /^<.+>$/)
  })

  test('an object of 1 MiB whole', async () => {
    const body = objectOf(MIB)
    assert.equal(await published(body), `${body.slice(0, -1)},"user_ip":"127.0.0.1"}`)
  })

  test('every event once, in the order of its publisher, on every shard', async () => {
    const others = Array.from({ length: 8 }, () => new RawSubscriber(server.port))
    await Promise.all(others.map((other) => other.opened()))
    const bodies = Array.from({ length: 500 }, (_, number) => `{"n":${number}}`)
    const connection = new Connection(server.port)
    await connection.send(Buffer.concat(bodies.map((body) => post(PATH, body))))
    await connection.answered(bodies.length)
    await connection.send(post(PATH, '{"last":true}'))
    const due = [...bodies, '{"last":true}'].map((body) =>
      body.replace('}', ',"user_ip":"127.0.0.1"}'),
    )
    for (const other of others) {
      await other.received(due.length)
      assert.deepEqual(other.events, due)
      other.close()
    }
    connection.close()
  })
})

describe('publishing faster than events can be taken', () => {
  serve('--threads', '1', '--inflight-bytes-max', '65536', '--retry-after-seconds', '7')

  test('503 with Retry-After, and exactly what was answered 200 is delivered', async () => {
    const subscriber = await new RawSubscriber(server.port).opened()
    const connection = new Connection(server.port)
    // 400 KB in one go is read in few turns of the event loop; 64 KiB may wait for the hub.
    const bodies = Array.from({ length: 40 }, (_, n) => `{"n":${n},"f":"${'x'.repeat(10_000)}"}`)
    await connection.send(Buffer.concat(bodies.map((body) => post(PATH, body))))
    const answers = await connection.answered(bodies.length)
    const taken = bodies.filter((_, n) => answers[n]?.status === 200)
    const refusals = answers.filter(({ status }) => status !== 200)
    assert.ok(taken.length > 0 && refusals.length > 0, `${taken.length} of ${bodies.length} taken`)
    for (const refusal of refusals) {
      assertProblem(refusal, 503, 'overloaded')
      assert.equal(refusal.headers.get('retry-after'), '7')
      assert.equal(refusal.headers.get('access-control-allow-origin'), '*')
    }
    await subscriber.received(taken.length)
    assert.deepEqual(
      subscriber.events,
      taken.map((body) => body.replace('}', ',"user_ip":"127.0.0.1"}')),
    )
    // The hub has caught up: publishing goes on.
    assert.equal((await ask(server.port, post(PATH, '{}'))).status, 200)
    connection.close()
    subscriber.close()
  })
})

describe('options of /api/events', () => {
  const forged = 'X-Forwarded-For: 203.0.113.7\r\nX-Real-IP: 203.0.113.8\r\n'
  const cases: readonly [name: string, args: string[], headers: string, data: string][] = [
    [
      '--trust-proxy none believes no header',
      ['--trust-proxy', 'none'],
      forged,
      '{"a":1,"user_ip":"127.0.0.1"}',
    ],
    [
      '--trust-proxy of another network does not believe this peer',
      ['--trust-proxy', '192.0.2.0/24,2001:db8::/32'],
      forged,
      '{"a":1,"user_ip":"127.0.0.1"}',
    ],
    [
      '--trust-proxy with this peer believes it',
      ['--trust-proxy', '127.0.0.1'],
      forged,
      '{"a":1,"user_ip":"203.0.113.7"}',
    ],
    ['--no-user-ip leaves the object alone', ['--no-user-ip'], forged, '{"a":1}'],
  ]
  for (const [name, args, headers, data] of cases) {
    test(name, async () => {
      const own = await startServer(['--threads', '1', ...args])
      try {
        const subscriber = await new RawSubscriber(own.port).opened()
        assert.equal((await ask(own.port, post(PATH, '{"a":1}', headers))).status, 200)
        await subscriber.received(1)
        assert.deepEqual(subscriber.events, [data])
        subscriber.close()
      } finally {
        await own.stop()
      }
    })
  }

  const closed = ['--threads', '1', '--api-events', 'loopback', '--body-bytes-max', '100']

  test('--api-events loopback refuses what a proxy forwards, with CORS', async () => {
    const { port } = await sharedServer(closed)
    const answer = await ask(port, post(PATH, '{}', forged))
    assert.match(assertProblem(answer, 403, 'forbidden'), /--api-events public/)
    assert.equal(answer.headers.get('access-control-allow-origin'), '*')
    assert.equal((await ask(port, post(PATH, '{}'))).status, 200)
  })

  test('--body-bytes-max sets the limit', async () => {
    const { port } = await sharedServer(closed)
    assert.equal((await ask(port, post(PATH, objectOf(100)))).status, 200)
    assertProblem(await ask(port, post(PATH, objectOf(101))), 413, 'body_too_large')
  })
})
