// Frames: the publisher's JSON text goes out as it came but for user_ip, and any text that goes in
// as data comes out of an SSE parser that is not ours. Limits of the fields at their edges.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createParser } from 'eventsource-parser'
import fc from 'fast-check'
import { BatchWriter } from '../../src/event/batch.ts'
import {
  COMMENT,
  checkFields,
  type EventFields,
  eachData,
  NAME_BYTES_MAX,
  RETRY_MS_MAX,
  USER_IPS_MAX,
  writeEvent,
  writeObject,
} from '../../src/event/frame.ts'
import { JsonScanner, withoutLineBreaks } from '../../src/event/json.ts'

const scanner = new JsonScanner()
const IP = '"203.0.113.7"'

/** The one line of data that `writeObject` makes of a text, line breaks taken out as at ingest. */
function framed(
  body: string,
  userIp: string | undefined = IP,
  out: BatchWriter = new BatchWriter(),
): string {
  let text: Uint8Array = Buffer.from(body)
  assert.equal(scanner.scanObject(text), undefined, body)
  if (scanner.hasLineBreak) {
    text = withoutLineBreaks(text)
    scanner.scanObject(text)
  }
  const start = out.length
  writeObject(out, '/events', text, scanner, userIp)
  const frame = out.buffer.toString('utf8', start, out.length)
  const parts = /^data: ([^\r\n]*)\n\n$/.exec(frame)
  assert.ok(parts, `not one data line: ${JSON.stringify(frame)}`)
  return parts[1] as string
}

interface Received {
  readonly event: string | undefined
  readonly id: string | undefined
  readonly data: string
}

/** What a client makes of a stream. Anything it finds odd fails the test. */
function received(stream: string): { events: Received[]; retries: number[]; comments: number } {
  const events: Received[] = []
  const retries: number[] = []
  let comments = 0
  const parser = createParser({
    onEvent: ({ event, id, data }) => events.push({ event, id, data }),
    onRetry: (retry) => retries.push(retry),
    onComment: () => comments++,
    onError: (error) => assert.fail(error),
  })
  parser.feed(stream)
  return { events, retries, comments }
}

function written(fields: EventFields, data: string, out: BatchWriter = new BatchWriter()): string {
  const start = out.length
  writeEvent(out, '/t', fields, Buffer.from(data))
  return out.buffer.toString('utf8', start, out.length)
}

describe('writeObject', () => {
  it('replaces as many user_ip as the limit, and refuses one more with nothing written', () => {
    const object = (count: number): string => `{${Array(count).fill('"user_ip":0').join(',')}}`
    const replaced = Array(USER_IPS_MAX).fill(`"user_ip":${IP}`).join(',')
    assert.equal(framed(object(USER_IPS_MAX)), `{${replaced}}`)
    const out = new BatchWriter()
    const text = Buffer.from(object(USER_IPS_MAX + 1))
    scanner.scanObject(text)
    assert.match(writeObject(out, '/events', text, scanner, IP)?.detail ?? '', /17 times.*limit 16/)
    assert.ok(out.isEmpty)
    assert.equal(writeObject(out, '/events', text, scanner, undefined), undefined)
  })

  const bodies: readonly [body: string, out: string, why: string][] = [
    ['{}', `{"user_ip":${IP}}`, 'an empty object gets its first member'],
    ['{ }', `{ "user_ip":${IP}}`, 'an empty object with space'],
    ['{"a":1}', `{"a":1,"user_ip":${IP}}`, 'it is added last'],
    ['{"user_ip":null,"a":1}', `{"user_ip":${IP},"a":1}`, 'it is replaced in its place'],
    ['{"user_ip":{"x":[1]}}', `{"user_ip":${IP}}`, 'a value of any kind is replaced'],
    ['{"user_ip":1,"user_ip":2}', `{"user_ip":${IP},"user_ip":${IP}}`, 'all of several'],
    ['{"\\u0075ser_ip":1}', `{"\\u0075ser_ip":${IP}}`, 'an escaped spelling of the key'],
    ['{"user\\u005Fip":1}', `{"user\\u005Fip":${IP}}`, 'an escape in capitals'],
    ['{"a":{"user_ip":1}}', `{"a":{"user_ip":1},"user_ip":${IP}}`, 'a nested one is not ours'],
    ['{"a":["user_ip"]}', `{"a":["user_ip"],"user_ip":${IP}}`, 'a value is no key'],
    ['{"a":"user_ip"}', `{"a":"user_ip","user_ip":${IP}}`, 'a text of that name is no key'],
    ['{"user_ips":1}', `{"user_ips":1,"user_ip":${IP}}`, 'a longer key is another'],
    ['{"user_iP":1}', `{"user_iP":1,"user_ip":${IP}}`, 'keys are case-sensitive'],
    ['{"user\\\\_ip":1}', `{"user\\\\_ip":1,"user_ip":${IP}}`, 'a backslash in the key'],
    ['{"\\u0055ser_ip":1}', `{"\\u0055ser_ip":1,"user_ip":${IP}}`, 'an escape of another letter'],
    [' {"a":1} ', ` {"a":1,"user_ip":${IP}} `, 'space around stays'],
    ['\n{\n  "a": 1\n}\n', `{  "a": 1,"user_ip":${IP}}`, 'line breaks go, spaces stay'],
    ['{\r\n\t"user_ip" :\r\n1}', `{\t"user_ip" :${IP}}`, 'line breaks around the value'],
    [
      '{"n":12345678901234567890,"f":1.0,"e":1E+2,"s":"<\\u003c\\/é"}',
      `{"n":12345678901234567890,"f":1.0,"e":1E+2,"s":"<\\u003c\\/é","user_ip":${IP}}`,
      'numbers and escapes stay as they were sent',
    ],
  ]
  for (const [body, expected, why] of bodies) {
    it(`${JSON.stringify(body)}: ${why}`, () => assert.equal(framed(body), expected))
  }

  it('leaves the object alone without an address', () => {
    for (const body of ['{}', '{"user_ip":"x","a":1.0}', ' {"b":[1,2]} ']) {
      const out = new BatchWriter()
      assert.equal(scanner.scanObject(Buffer.from(body)), undefined)
      writeObject(out, '/events', Buffer.from(body), scanner, undefined)
      assert.equal(out.buffer.toString('utf8', 0, out.length), `data: ${body}\n\n`)
    }
  })

  const name = fc.oneof(
    fc.string({ unit: 'grapheme' }).map((text) => JSON.stringify(text).slice(1, -1)),
    fc.constantFrom('user_ip', '\\u0075\\u0073er_ip', 'user_i\\u0070', 'user_ipp', '__proto__'),
  )
  const gap = fc.constantFrom('', ' ', '\n', '\r\n\t')
  const value = fc.jsonValue({ maxDepth: 2 }).map((json) => JSON.stringify(json))
  const members = fc.array(fc.tuple(name, value, gap), { maxLength: 6 })
  const address = fc.constantFrom(IP, '"::1"', '"é😀 \\" \\\\"', '""')

  it('any object: its own text, every user_ip replaced, else one added', () => {
    fc.assert(
      fc.property(members, gap, address, (rows, edge, ip) => {
        const isIp = (key: string): boolean => JSON.parse(`"${key}"`) === 'user_ip'
        const render = (shown: (key: string, raw: string) => string): string[] =>
          rows.map(([key, raw, space]) => `${space}"${key}"${space}:${shown(key, raw)}${space}`)
        const sent = `${edge}{${render((_, raw) => raw).join(',')}${edge}}${edge}`
        const kept = `{${render((key, raw) => (isIp(key) ? ip : raw)).join(',')}${edge}`
        const comma = rows.length > 0 ? ',' : ''
        const added = rows.some(([key]) => isIp(key)) ? '' : `${comma}"user_ip":${ip}`
        const expected = `${edge}${kept}${added}}${edge}`.replace(/[\r\n]/g, '')
        const result = framed(sent, ip)
        assert.equal(result, expected)
        const own = JSON.parse(sent) as Record<string, unknown>
        assert.deepEqual(JSON.parse(result), Object.assign(own, { user_ip: JSON.parse(ip) }))
      }),
    )
  })

  it('has room for its frame wherever the buffer ends', () => {
    const ip = `"${'€'.repeat(20)}"`
    for (let room = 0; room < 300; room++) {
      const out = new BatchWriter()
      out.commit('/filler', out.buffer.length - room)
      const body = '{"user_ip":1,"é":2,"user_ip":3}'
      assert.equal(framed(body, ip, out), `{"user_ip":${ip},"é":2,"user_ip":${ip}}`)
    }
  })
})

describe('writeEvent', () => {
  const line = fc
    .string({ unit: 'grapheme', maxLength: 40 })
    .filter((text) => checkFields(text, text, undefined) === undefined)
  const fields = fc.record({
    event: fc.option(fc.oneof(line, fc.constantFrom(' a', ':', 'data: x', 'é')), {
      nil: undefined,
    }),
    id: fc.option(fc.oneof(line, fc.constantFrom(' 7', '\u2028', '😀')), { nil: undefined }),
    retry: fc.option(fc.nat().map(String), { nil: undefined }),
  })
  const data = fc
    .array(
      fc.oneof(
        fc.string({ unit: 'grapheme' }),
        fc.constantFrom('\n', '\r', '\r\n', '\n\n', ' ', ':', 'data: ', 'id: 1', '\0', '\u2028'),
        fc.constantFrom('\ufeff', '\u0085', '\v', '\f', 'event: x\n', 'retry: 1\r'),
      ),
    )
    .map((pieces) => pieces.join(''))

  it('any text and fields: a client gets one event with them, line ends as LF', () => {
    fc.assert(
      fc.property(fields, data, (sent, text) => {
        const { events, retries, comments } = received(written(sent, text))
        const expected = {
          event: sent.event || undefined,
          id: sent.id || undefined,
          data: text.replace(/\r\n|\r|\n/g, '\n'),
        }
        assert.deepEqual(events, [expected])
        assert.deepEqual(retries, sent.retry === undefined ? [] : [Number(sent.retry)])
        assert.equal(comments, 0)
      }),
    )
  })

  it('events one after the other: a client gets each, and a comment is none', () => {
    fc.assert(
      fc.property(fc.array(data, { maxLength: 5 }), (texts) => {
        const out = new BatchWriter()
        const stream = texts.map((text) => written({}, text, out) + COMMENT.toString()).join('')
        const { events, comments } = received(stream)
        const expected = texts.map((text) => text.replace(/\r\n|\r|\n/g, '\n'))
        assert.deepEqual(
          events.map((event) => event.data),
          expected,
        )
        assert.equal(comments, texts.length)
      }),
    )
  })

  it('gives back by eachData what a client gets, of any events one after the other', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fields, data), { maxLength: 5 }), (rows) => {
        const out = new BatchWriter()
        const stream = rows.map(([sent, text]) => written(sent, text, out)).join('')
        const found: string[] = []
        eachData(stream, (text) => found.push(text))
        assert.deepEqual(
          found,
          received(stream).events.map((event) => event.data),
        )
        assert.equal(found.length, rows.length)
      }),
    )
  })

  it('gives back by eachData lines that look like fields, and empty ones', () => {
    for (const text of ['', '\n', '\n\n', 'data: a', 'a\ndata: b', 'event: e\n\ndata', ' ', ':']) {
      const found: string[] = []
      const frame = written({ event: 'data: x', id: 'data: y' }, text) + written({}, text)
      eachData(frame, (data) => found.push(data))
      assert.deepEqual(found, [text, text])
    }
  })

  it('writes the fields in this order, and none that is absent or empty', () => {
    const all = { event: 'e', id: '7', retry: '5' }
    assert.equal(written(all, 'x'), 'event: e\nid: 7\nretry: 5\ndata: x\n\n')
    assert.equal(written({ event: '', id: '', retry: '' }, ''), 'data: \n\n')
    assert.equal(written({ event: 'é' }, ' é'), 'event: é\ndata:  é\n\n')
  })

  it('takes a retry of 0, which says: at once', () => {
    assert.deepEqual(received(written({ retry: '0' }, '')).retries, [0])
  })

  it('writes every line of the data as a line of its own, an empty last one too', () => {
    assert.equal(written({}, 'a\r\nb\rc\n'), 'data: a\ndata: b\ndata: c\ndata: \n\n')
  })

  it('has room for its frame wherever the buffer ends', () => {
    for (let room = 0; room < 80; room++) {
      const out = new BatchWriter()
      out.commit('/filler', out.buffer.length - room)
      const sent = { event: '\u2028é', id: '😀', retry: '1' }
      const expected = 'event: \u2028é\nid: 😀\nretry: 1\ndata: é\ndata: \ndata: 😀\n\n'
      assert.equal(written(sent, 'é\n\r😀', out), expected)
    }
  })
})

describe('checkFields', () => {
  const code = (event?: string, id?: string, retry?: string): string | undefined =>
    checkFields(event, id, retry)?.code

  it('takes absent and empty fields', () => {
    assert.equal(code(), undefined)
    assert.equal(code('', '', ''), undefined)
  })

  it('knows the limits that it tells', () => {
    assert.equal(NAME_BYTES_MAX, 256)
    assert.equal(RETRY_MS_MAX, 2_147_483_647)
  })

  const texts: readonly [text: string, isGood: boolean, what: string][] = [
    ['a'.repeat(256), true, '256 bytes'],
    ['a'.repeat(257), false, '257 bytes'],
    ['é'.repeat(128), true, '256 bytes of two-byte characters'],
    [`${'é'.repeat(128)}a`, false, '257 bytes of fewer characters'],
    ['a\nb', false, 'a line feed'],
    ['a\rb', false, 'a carriage return'],
    ['\0', false, 'NUL'],
    ['\ud800', false, 'a lone surrogate'],
    ['a\tb\u2028 ', true, 'a tab, a Unicode line separator and a space'],
  ]
  for (const [text, isGood, what] of texts) {
    it(`${isGood ? 'takes' : 'refuses'} a name or id with ${what}`, () => {
      assert.equal(code(text), isGood ? undefined : 'invalid_event_name')
      assert.equal(code('', text), isGood ? undefined : 'invalid_event_id')
    })
  }

  it('tells how long a name is and may be', () => {
    assert.match(checkFields('x'.repeat(300), '', '')?.detail ?? '', /300 bytes.*limit 256/)
  })

  const good = ['0', '1', '2147483647', '0000000001']
  const bad = [
    '2147483648',
    '9999999999',
    '00000000001',
    '-1',
    '+1',
    '1.0',
    '1e3',
    ' 1',
    '1\n',
    'x',
  ]
  for (const retry of good) {
    it(`takes a retry of ${retry}`, () => assert.equal(code('', '', retry), undefined))
  }
  for (const retry of bad) {
    it(`refuses a retry of ${JSON.stringify(retry)}`, () => {
      assert.equal(code('', '', retry), 'invalid_retry')
    })
  }
})
