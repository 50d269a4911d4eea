// POST /publish/<topic> on the wire: text and NDJSON, the fields of an event and their limits, who
// may publish, and which subscribers of /subscribe/<topic> get it.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Answer, ask, assertProblem, get } from '../kit/connection.ts'
import { post } from '../kit/raw.ts'
import { type Server, startServer } from '../kit/server.ts'
import { RawSubscriber } from '../kit/subscriber.ts'

const NDJSON = 'Content-Type: application/x-ndjson\r\n'

let server: Server
before(async () => {
  server = await startServer(['--threads', '2'])
})
after(() => server.stop())

function publish(path: string, body: string | Uint8Array, headers = ''): Promise<Answer> {
  return ask(server.port, post(`/publish${path}`, body, headers))
}

function assertAccepted(answer: Answer, count = 1): void {
  assert.equal(answer.status, 200, answer.body)
  assert.equal(answer.body, `{"accepted":${count}}`)
  assert.equal(answer.headers.get('content-type'), 'application/json')
  assert.equal(answer.headers.get('access-control-allow-origin'), '*')
}

function subscribe(path: string): Promise<RawSubscriber> {
  return new RawSubscriber(server.port, path).opened()
}

/** The frames so far: the stream without its greeting and the LF that closes each write. */
function framesOf({ text }: RawSubscriber): string {
  return text.replace(/^:ok\n+/, '').replace(/\n{3,}/g, '\n\n')
}

describe('one event as text', () => {
  const bodies: readonly [name: string, body: string | Uint8Array, frame: string][] = [
    ['a line', 'hello', 'data: hello\n\n'],
    ['an empty body: one event with empty data', '', 'data: \n\n'],
    ['lines ended by LF, CR and CRLF', 'a\nb\rc\r\nd', 'data: a\ndata: b\ndata: c\ndata: d\n\n'],
    ['an empty line and a last line end', 'a\n\nb\n', 'data: a\ndata: \ndata: b\ndata: \n\n'],
    ['leading spaces and colons', '  : x', 'data:   : x\n\n'],
    ['text that looks like fields', 'id: 1\nevent: x', 'data: id: 1\ndata: event: x\n\n'],
    ['characters beyond ASCII', 'ä € 🚀 \u2028\u0085', 'data: ä € 🚀 \u2028\u0085\n\n'],
    ['a byte order mark and NUL', '\ufeffa\u0000b', 'data: \ufeffa\u0000b\n\n'],
    ['JSON as it is', '{"a": 1.0}', 'data: {"a": 1.0}\n\n'],
  ]
  for (const [index, [name, body, frame]] of bodies.entries()) {
    test(`keeps ${name}`, async () => {
      const subscriber = await subscribe(`/subscribe/text/${index}`)
      assertAccepted(await publish(`/text/${index}`, body))
      await subscriber.received(1)
      assert.equal(framesOf(subscriber), frame)
      subscriber.close()
    })
  }

  test('is refused where it is not UTF-8, and nobody gets it', async () => {
    const subscriber = await subscribe('/subscribe/utf8')
    const answer = await publish('/utf8', Buffer.from('caf\xe9', 'latin1'))
    assertProblem(answer, 400, 'invalid_utf8')
    assertAccepted(await publish('/utf8', 'next'))
    await subscriber.received(1)
    assert.deepEqual(subscriber.events, ['next'])
    subscriber.close()
  })
})

describe('the fields of an event', () => {
  const name256 = 'n'.repeat(256)
  // Two bytes a character: the limit counts bytes.
  const wide256 = 'é'.repeat(128)
  const good: readonly [query: string, lines: string][] = [
    ['?event=update', 'event: update\n'],
    ['?id=42', 'id: 42\n'],
    ['?retry=3000', 'retry: 3000\n'],
    ['?event=a&id=b&retry=1', 'event: a\nid: b\nretry: 1\n'],
    ['?retry=0', 'retry: 0\n'],
    ['?retry=2147483647', 'retry: 2147483647\n'],
    [`?event=${name256}`, `event: ${name256}\n`],
    [`?id=${name256}`, `id: ${name256}\n`],
    [`?event=${encodeURIComponent(wide256)}`, `event: ${wide256}\n`],
    ['?event=two%20words%3A%20yes', 'event: two words: yes\n'],
    ['?event=&id=&retry=', ''],
    ['?other=1', ''],
    ['?', ''],
  ]
  for (const [index, [query, lines]] of good.entries()) {
    test(`${query.slice(0, 40)} is taken`, async () => {
      const subscriber = await subscribe(`/subscribe/fields/${index}`)
      assertAccepted(await publish(`/fields/${index}${query}`, 'x'))
      await subscriber.received(1)
      assert.equal(framesOf(subscriber), `${lines}data: x\n\n`)
      subscriber.close()
    })
  }

  const bad: readonly [query: string, code: string][] = [
    [`?event=${name256}n`, 'invalid_event_name'],
    [`?event=${encodeURIComponent(wide256)}n`, 'invalid_event_name'],
    ['?event=a%0Ab', 'invalid_event_name'],
    ['?event=a%0Db', 'invalid_event_name'],
    ['?event=a%00b', 'invalid_event_name'],
    [`?id=${name256}n`, 'invalid_event_id'],
    ['?id=a%0Adata%3A%20injected', 'invalid_event_id'],
    ['?id=a%0D', 'invalid_event_id'],
    ['?id=%00', 'invalid_event_id'],
    ['?retry=2147483648', 'invalid_retry'],
    ['?retry=99999999999999999999', 'invalid_retry'],
    ['?retry=-1', 'invalid_retry'],
    ['?retry=1.5', 'invalid_retry'],
    ['?retry=1e3', 'invalid_retry'],
    ['?retry=soon', 'invalid_retry'],
    ['?retry=1%0A', 'invalid_retry'],
    ['?retry=%D9%A3', 'invalid_retry'],
  ]
  test('that cannot be used are refused, and nobody gets the event', async () => {
    const subscriber = await subscribe('/subscribe/badfields')
    for (const [query, code] of bad) {
      const answer = await publish(`/badfields${query}`, 'x')
      assertProblem(answer, 400, code)
      assert.equal(answer.headers.get('access-control-allow-origin'), '*')
    }
    assertAccepted(await publish('/badfields', 'next'))
    await subscriber.received(1)
    assert.deepEqual(subscriber.events, ['next'])
    subscriber.close()
  })
})

describe('topics', () => {
  test('are hierarchical by whole segments', async () => {
    const paths = ['/', '', '/pets', '/pets/', '//pets', '/pets/dogs', '/petshop', '/pets/dogs/big']
    const subscribers = new Map<string, RawSubscriber>()
    for (const path of paths) subscribers.set(path, await subscribe(`/subscribe${path}`))
    for (const topic of ['/pets', '/petshop', '/pets/dogs', '/pets/cats', '/', '/end']) {
      assertAccepted(await publish(topic, topic))
    }
    const all = ['/pets', '/petshop', '/pets/dogs', '/pets/cats', '/', '/end']
    const pets = ['/pets', '/pets/dogs', '/pets/cats']
    const due: readonly [path: string, events: string[]][] = [
      ['/', all],
      ['', all],
      ['/pets', pets],
      ['/pets/', pets],
      ['//pets', pets],
      ['/pets/dogs', ['/pets/dogs']],
      ['/petshop', ['/petshop']],
      ['/pets/dogs/big', []],
    ]
    for (const [path, events] of due) await subscribers.get(path)?.received(events.length)
    // The same order on every shard: a later event proves that nothing more was on its way.
    for (const path of paths) assertAccepted(await publish(path, 'marker'))
    const marked = (one: RawSubscriber): boolean => one.events.includes('marker')
    for (const [path, events] of due) {
      const subscriber = subscribers.get(path) as RawSubscriber
      await subscriber.received(events.length + 1)
      assert.ok(marked(subscriber), `/subscribe${path} gets its own topic`)
      const got = subscriber.events.slice(0, subscriber.events.indexOf('marker'))
      assert.deepEqual(got, events, `/subscribe${path}`)
    }
    for (const subscriber of subscribers.values()) subscriber.close()
  })

  const same: readonly [published: string, subscribed: string][] = [
    ['/a%20b', '/a%20b'],
    ['/caf%C3%A9', '/caf%c3%a9'],
    ['/%70lain', '/plain'],
    ['/deep%2Fer', '/deep/er'],
    ['//twice///slashed/', '/twice/slashed'],
    ['/once%2525', '/once%2525'],
    ['/dots.in..names', '/dots.in..names'],
    ['/...', '/...'],
    [`/${'t'.repeat(511)}`, `/${'t'.repeat(511)}`],
    [`/${'%C3%A9'.repeat(255)}e`, `/${'é'.repeat(255)}e`],
    ['/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16', '/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16'],
    ['/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16', '/1'],
  ]
  for (const [published, subscribed] of same) {
    test(`/publish${published.slice(0, 40)} reaches /subscribe${subscribed.slice(0, 40)}`, async () => {
      const subscriber = await subscribe(`/subscribe${subscribed}`)
      assertAccepted(await publish(published, 'x'))
      await subscriber.received(1)
      assert.deepEqual(subscriber.events, ['x'])
      subscriber.close()
    })
  }

  test('what is decoded once is not decoded twice', async () => {
    const literal = await subscribe('/subscribe/%2541')
    const decoded = await subscribe('/subscribe/A')
    assertAccepted(await publish('/%2541', 'literal'))
    assertAccepted(await publish('/%41', 'decoded'))
    await Promise.all([literal.received(1), decoded.received(1)])
    assert.deepEqual(literal.events, ['literal'])
    assert.deepEqual(decoded.events, ['decoded'])
    literal.close()
    decoded.close()
  })

  const bad: readonly [path: string, code: string][] = [
    ['/..', 'invalid_topic'],
    ['/a/../b', 'invalid_topic'],
    ['/a/.', 'invalid_topic'],
    ['/%2e%2e/b', 'invalid_topic'],
    ['/%2E', 'invalid_topic'],
    ['/a%2F..%2Fb', 'invalid_topic'],
    ['/a%00', 'invalid_topic'],
    ['/a%0Ab', 'invalid_topic'],
    ['/a%7F', 'invalid_topic'],
    ['/a%', 'invalid_topic'],
    ['/a%zz', 'invalid_topic'],
    ['/a%ff', 'invalid_topic'],
    ['/a%ED%A0%80', 'invalid_topic'],
    [`/${'t'.repeat(512)}`, 'topic_too_long'],
    [`/${'%C3%A9'.repeat(256)}`, 'topic_too_long'],
    ['/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17', 'topic_too_deep'],
  ]
  for (const [path, code] of bad) {
    test(`${path.slice(0, 40)} is refused to publishers and subscribers`, async () => {
      assertProblem(await publish(path, 'x'), 400, code)
      const answer = await ask(server.port, get(`/subscribe${path}`))
      assertProblem(answer, 400, code)
      assert.equal(answer.headers.get('access-control-allow-origin'), '*')
    })
  }
})

describe('a batch as NDJSON', () => {
  const lines = [
    '{"data":"plain"}',
    '{"topic":"sub","data":"below"}',
    '{"topic":"/sub//deep/","event":"e","id":"i","retry":"7","data":"all fields"}',
    '{"retry":8,"data":"retry as a number"}',
    '{"data":{"a":1.0,"b":[12345678901234567890]}}',
    '{"data":null}',
    '{"data":"two\\nlines"}',
    '{"data":""}',
    ' {"data" : "spaced" } ',
  ]
  const frames = [
    'data: plain\n\n',
    'data: below\n\n',
    'event: e\nid: i\nretry: 7\ndata: all fields\n\n',
    'retry: 8\ndata: retry as a number\n\n',
    'data: {"a":1.0,"b":[12345678901234567890]}\n\n',
    'data: null\n\n',
    'data: two\ndata: lines\n\n',
    'data: \n\n',
    'data: spaced\n\n',
  ]
  const endings: readonly [name: string, body: string][] = [
    ['LF between lines', lines.join('\n')],
    ['LF after every line', `${lines.join('\n')}\n`],
    ['CRLF', `${lines.join('\r\n')}\r\n`],
    ['blank lines', `\n\n${lines.join('\n\n \n')}\n\n`],
  ]
  for (const [index, [name, body]] of endings.entries()) {
    test(`is published whole and in order with ${name}`, async () => {
      const subscriber = await subscribe(`/subscribe/batch${index}`)
      assertAccepted(await publish(`/batch${index}`, body, NDJSON), lines.length)
      await subscriber.received(lines.length)
      assert.equal(framesOf(subscriber), frames.join(''))
      subscriber.close()
    })
  }

  test("goes to topics below the path's topic", async () => {
    const deep = await subscribe('/subscribe/below/sub/deep')
    const sub = await subscribe('/subscribe/below/sub')
    assertAccepted(await publish('/below', lines.join('\n'), NDJSON), lines.length)
    await Promise.all([deep.received(1), sub.received(2)])
    assert.deepEqual(deep.events, ['all fields'])
    assert.deepEqual(sub.events, ['below', 'all fields'])
    deep.close()
    sub.close()
  })

  const types: readonly [type: string, isBatch: boolean][] = [
    ['application/x-ndjson', true],
    ['application/x-ndjson; charset=utf-8', true],
    ['Application/X-NDJSON', true],
    ['application/x-ndjsonx', false],
    ['text/plain', false],
    ['application/json', false],
  ]
  for (const [index, [type, isBatch]] of types.entries()) {
    test(`is ${isBatch ? 'read from' : 'not made of'} a body of type ${type}`, async () => {
      const subscriber = await subscribe(`/subscribe/type${index}`)
      const body = '{"data":"x"}'
      assertAccepted(await publish(`/type${index}`, body, `Content-Type: ${type}\r\n`))
      await subscriber.received(1)
      assert.deepEqual(subscriber.events, [isBatch ? 'x' : body])
      subscriber.close()
    })
  }

  const good = '{"data":"good"}\n'
  const bad: readonly [name: string, body: string | Uint8Array, code: string, why: RegExp][] = [
    ['a line that is no JSON', `${good}${good}nope\n${good}`, 'invalid_line', /^line 3 .*invalid/],
    ['a first bad line', `[]\n${good}`, 'invalid_line', /^line 1 /],
    ['a bad last line', `${good}{"data":`, 'invalid_line', /^line 2 /],
    ['a bad line after blank ones', `\n\n${good}\nnull\n`, 'invalid_line', /^line 5 .*not null/],
    ['a line without data', `${good}{"event":"e"}`, 'invalid_line', /^line 2 .*data is missing/],
    ['an unknown field', `${good}{"data":1,"dta":2}`, 'invalid_line', /^line 2 .*"dta"/],
    ['a topic that is a number', '{"topic":1,"data":1}', 'invalid_line', /topic must be a string/],
    ['a topic that climbs', '{"topic":"../x","data":1}', 'invalid_line', /invalid_topic/],
    ['a topic too deep', `{"topic":"${'/a'.repeat(16)}","data":1}`, 'invalid_line', /too_deep/],
    ['a topic too long', `{"topic":"${'a'.repeat(512)}","data":1}`, 'invalid_line', /too_long/],
    ['a name with a line end', '{"event":"a\\nb","data":1}', 'invalid_line', /invalid_event_name/],
    ['an id with NUL', '{"id":"a\\u0000b","data":1}', 'invalid_line', /invalid_event_id/],
    ['an id of 257 bytes', `{"id":"${'a'.repeat(257)}","data":1}`, 'invalid_line', /257 bytes/],
    ['a retry with a point', '{"retry":1.5,"data":1}', 'invalid_line', /invalid_retry/],
    ['data with a lone surrogate', '{"data":"\\ud800"}', 'invalid_line', /surrogate/],
    ['an empty body', '', 'empty_batch', /no event/],
    ['blank lines only', '\n \r\n\t\n', 'empty_batch', /no event/],
    ['Latin-1', Buffer.from('{"data":"\xe9"}', 'latin1'), 'invalid_utf8', /UTF-8/],
  ]
  test('with anything bad is refused whole, and its line is named', async () => {
    const subscriber = await subscribe('/subscribe/badbatch')
    for (const [name, body, code, why] of bad) {
      const answer = await publish('/badbatch', body, NDJSON)
      assert.match(assertProblem(answer, 400, code), why, name)
    }
    assertAccepted(await publish('/badbatch', 'next'))
    await subscriber.received(1)
    assert.deepEqual(subscriber.events, ['next'])
    subscriber.close()
  })
})

describe('who may publish', () => {
  const others: readonly string[] = [
    'X-Forwarded-For: 203.0.113.7',
    'X-Forwarded-For: 127.0.0.1',
    'X-Real-IP: 203.0.113.7',
    'Forwarded: for=203.0.113.7',
    'Via: 1.1 proxy',
    'X-Forwarded-Host: example.org',
    'X-Forwarded-Proto: https',
    'Origin: https://evil.example',
    'Origin: null',
    'Origin: http://localhost.evil.example',
    'Origin: http://127.evil.example',
    'Origin: http://127.0.0.1.evil.example',
  ]
  for (const header of others) {
    test(`403 with CORS to a request with ${header}`, async () => {
      const answer = await publish('/who', 'x', `${header}\r\n`)
      assert.match(assertProblem(answer, 403, 'forbidden'), /--publish public/)
      assert.equal(answer.headers.get('access-control-allow-origin'), '*')
    })
  }

  const own: readonly string[] = [
    'Origin: http://localhost:3000',
    'Origin: http://127.0.0.1:3000',
    'Origin: http://[::1]:3000',
    'User-Agent: curl/8',
  ]
  for (const header of own) {
    test(`200 to this machine with ${header}`, async () => {
      assertAccepted(await publish('/who', 'x', `${header}\r\n`))
    })
  }

  const hosts: readonly [host: string, status: 200 | 403][] = [
    ['localhost:8080', 200],
    ['127.0.0.1:8080', 200],
    ['[::1]:8080', 200],
    // A page whose own name was pointed at this machine sends no Origin with GET (DNS rebinding).
    ['evil.example', 403],
    ['127.evil.example:8080', 403],
  ]
  for (const [host, status] of hosts) {
    test(`${status} to a request for Host: ${host}`, async () => {
      const request = post('/publish/who', 'x').toString().replace('Host: test', `Host: ${host}`)
      assert.equal((await ask(server.port, request)).status, status)
    })
  }

  test('everyone with --publish public', async () => {
    const open = await startServer(['--threads', '1', '--publish', 'public'])
    try {
      const headers = 'X-Forwarded-For: 203.0.113.7\r\nOrigin: https://evil.example\r\n'
      assertAccepted(await ask(open.port, post('/publish/who', 'x', headers)))
    } finally {
      await open.stop()
    }
  })
})

describe('other requests to /publish', () => {
  for (const path of ['/publish', '/publish/', '/publish/a/b']) {
    test(`405 to GET ${path}, and 204 to OPTIONS`, async () => {
      const answer = await ask(server.port, get(path))
      assertProblem(answer, 405, 'method_not_allowed')
      assert.equal(answer.headers.get('allow'), 'POST, OPTIONS')
      const preflight = await ask(
        server.port,
        get(path, 'Origin: https://a.example\r\n', 'OPTIONS'),
      )
      assert.equal(preflight.status, 204)
      assert.equal(preflight.headers.get('access-control-allow-origin'), '*')
    })
  }

  test('413 to a body over the limit', async () => {
    const answer = await publish('/big', 'x'.repeat(1024 * 1024 + 1))
    assertProblem(answer, 413, 'body_too_large')
  })

  test('an event of exactly 1 MiB goes out whole', async () => {
    const subscriber = await subscribe('/subscribe/whole')
    const body = 'x'.repeat(1024 * 1024)
    assertAccepted(await publish('/whole', body))
    await subscriber.received(1)
    assert.ok(subscriber.events[0] === body)
    subscriber.close()
  })
})
