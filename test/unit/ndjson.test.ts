// Batches of events as newline-delimited JSON: what a line means, which lines are bad, and that one
// bad line refuses the whole batch with its number.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Fault } from '../../src/event/fault.ts'
import { JsonScanner } from '../../src/event/json.ts'
import { type BatchEvent, readBatch } from '../../src/event/ndjson.ts'

const scanner = new JsonScanner()

function read(body: string, base = '/base'): BatchEvent[] | Fault {
  return readBatch(Buffer.from(body), base, scanner)
}

/** The events of a body that must be good, data as text, absent fields left out. */
function events(body: string, base?: string): Record<string, string | undefined>[] {
  const found = read(body, base)
  assert.ok(!(found instanceof Fault), found instanceof Fault ? found.detail : '')
  return found.map((event) => {
    const shown = { ...event, data: Buffer.from(event.data).toString() }
    return Object.fromEntries(Object.entries(shown).filter(([, value]) => value !== undefined))
  })
}

function faultOf(body: string, base?: string): Fault {
  const found = read(body, base)
  assert.ok(found instanceof Fault, `accepted: ${body}`)
  return found
}

describe('a good line', () => {
  it('has all fields', () => {
    const line = '{"topic":"a/b","event":"e","id":"7","retry":"100","data":"x"}'
    const expected = { topic: '/base/a/b', event: 'e', id: '7', retry: '100', data: 'x' }
    assert.deepEqual(events(line), [expected])
  })

  it('needs only data', () => {
    assert.deepEqual(events('{"data":""}'), [{ topic: '/base', data: '' }])
  })

  it('may end with LF, CRLF or the body, and blank lines are skipped', () => {
    const body = '{"data":"1"}\n{"data":"2"}\r\n\n \t\r\n{"data":"3"}'
    assert.deepEqual(
      events(body).map((event) => event['data']),
      ['1', '2', '3'],
    )
  })

  it('names a retry as text or as a number', () => {
    assert.equal(events('{"retry":100,"data":""}')[0]?.['retry'], '100')
    assert.equal(events('{"retry":0,"data":""}')[0]?.['retry'], '0')
  })

  it('may spell its fields with escapes; of a field given twice the last one counts', () => {
    assert.deepEqual(events('{"d\\u0061ta":"x"}'), [{ topic: '/base', data: 'x' }])
    assert.deepEqual(events('{"data":"x","data":"y"}'), [{ topic: '/base', data: 'y' }])
  })

  const datas: readonly [json: string, data: string][] = [
    ['"text \\u00e9\\n\\"\\ud83d\\ude00"', 'text é\n"😀'],
    ['1.0', '1.0'],
    ['12345678901234567890', '12345678901234567890'],
    ['true', 'true'],
    ['null', 'null'],
    ['[1, "a"]', '[1, "a"]'],
    ['{ "b":1.50,"a":"\\u003c" }', '{ "b":1.50,"a":"\\u003c" }'],
    ['"{\\"a\\":1}"', '{"a":1}'],
  ]
  for (const [json, data] of datas) {
    it(`data ${json} arrives as ${JSON.stringify(data)}`, () => {
      assert.deepEqual(events(`{"data": ${json} }`), [{ topic: '/base', data }])
    })
  }

  it('any data: a string is its text, other JSON is its own text', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue(), { minLength: 1, maxLength: 5 }), (values) => {
        const body = values.map((data) => JSON.stringify({ data })).join('\n')
        const expected = values.map((data) =>
          typeof data === 'string' ? data : JSON.stringify(data),
        )
        assert.deepEqual(
          events(body).map((event) => event['data']),
          expected,
        )
      }),
    )
  })
})

describe('the topic of a line', () => {
  const topics: readonly [base: string, topic: string, full: string][] = [
    ['/base', '', '/base'],
    ['/base', '/', '/base'],
    ['/base', 'a', '/base/a'],
    ['/base', '/a//b/', '/base/a/b'],
    ['/', '', '/'],
    ['/', 'a/b', '/a/b'],
    ['/base', '%2e%2e', '/base/%2e%2e'],
    ['/base', '/base', '/base/base'],
  ]
  for (const [base, topic, full] of topics) {
    it(`${JSON.stringify(topic)} below ${base} is ${full}`, () => {
      const line = JSON.stringify({ topic, data: '' })
      assert.equal(events(line, base)[0]?.['topic'], full)
    })
  }

  it('cannot leave its base', () => {
    for (const topic of ['..', '../x', '/../x', 'a/../../x', '.']) {
      assert.match(faultOf(JSON.stringify({ topic, data: '' })).detail, /^line 1 \(invalid_topic\)/)
    }
  })

  it('has its limits together with its base', () => {
    const base = '/s'.repeat(15)
    assert.equal(events('{"topic":"s","data":""}', base)[0]?.['topic'], '/s'.repeat(16))
    assert.match(faultOf('{"topic":"s/s","data":""}', base).detail, /topic_too_deep.*17 segments/)
    const long = `/${'a'.repeat(509)}`
    assert.equal(events('{"topic":"b","data":""}', long)[0]?.['topic'], `${long}/b`)
    assert.match(faultOf('{"topic":"bb","data":""}', long).detail, /topic_too_long.*513 bytes/)
  })
})

describe('a bad line', () => {
  const lines: readonly [line: string, what: RegExp][] = [
    ['{"data":"x"', /invalid_json.*ends where a comma or } is due/],
    ['not json', /invalid_json/],
    ['{"data":"x"}{"data":"y"}', /invalid_json.*the end of the body/],
    ['[{"data":"x"}]', /not_an_object.*an array/],
    ['null', /not_an_object.*null/],
    ['{}', /data is missing/],
    ['{"topic":"a"}', /data is missing/],
    ['{"data":"x","name":"e"}', /unknown field "name"/],
    ['{"data":"x","Data":"y"}', /unknown field "Data"/],
    ['{"data":"x","":1}', /unknown field ""/],
    ['{"data":"x","__proto__":"y"}', /unknown field "__proto__"/],
    ['{"data":"x","toString":"y"}', /unknown field "toString"/],
    ['{"data":"x","topic":1}', /topic must be a string/],
    ['{"data":"x","topic":null}', /topic must be a string/],
    ['{"data":"x","event":["e"]}', /event must be a string/],
    ['{"data":"x","id":7}', /id must be a string/],
    ['{"data":"x","event":"a\\nb"}', /invalid_event_name.*line end/],
    ['{"data":"x","id":"a\\u0000b"}', /invalid_event_id.*NUL/],
    ['{"data":"x","id":"\\ud800"}', /invalid_event_id.*Unicode/],
    ['{"data":"x","retry":-1}', /invalid_retry/],
    ['{"data":"x","retry":1.5}', /invalid_retry/],
    ['{"data":"x","retry":null}', /invalid_retry/],
    ['{"data":"x","retry":2147483648}', /invalid_retry.*2147483647/],
    ['{"data":"\\ud800"}', /lone surrogate/],
    ['{"data":"x","topic":"\\udc00"}', /invalid_topic.*Unicode/],
    ['{"data":"x","topic":"a\\nb"}', /invalid_topic.*control/],
  ]
  for (const [line, what] of lines) {
    it(`${line}: ${what.source}`, () => {
      const fault = faultOf(line)
      assert.equal(fault.code, 'invalid_line')
      assert.match(fault.detail, /^line 1 /)
      assert.match(fault.detail, what)
    })
  }

  it('refuses all lines before and behind it, and is told by its number; blank lines count', () => {
    const place = fc.tuple(fc.nat({ max: 8 }), fc.nat({ max: 8 }))
    const good = fc.constantFrom<string[]>('{"data":"x"}', '', ' \r', '{"topic":"a","data":1}\r')
    fc.assert(
      fc.property(fc.array(good, { maxLength: 8 }), place, (lines, [first, second]) => {
        const body = lines.toSpliced(first, 0, '{"bad":1}').toSpliced(first + second, 0, '{}{}')
        const number = body.findIndex((line) => line.startsWith('{"bad') || line === '{}{}') + 1
        const fault = faultOf(body.join('\n'))
        assert.equal(fault.code, 'invalid_line')
        assert.ok(fault.detail.startsWith(`line ${number} (`), `${fault.detail}, not ${number}`)
      }),
    )
  })

  it('is told by no other line number than that of the batch', () => {
    const { detail } = faultOf('{"data":1}\n{"data":1}\n{"data":nul}')
    assert.deepEqual([...new Set(detail.match(/line \d+/g))], ['line 3'], detail)
  })
})

describe('a batch without an event', () => {
  for (const body of ['', '\n', '\r\n\r\n', ' \t\n\n ']) {
    it(`${JSON.stringify(body)} is refused`, () => {
      assert.equal(faultOf(body).code, 'empty_batch')
    })
  }
})
