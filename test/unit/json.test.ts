// The JSON scanner against JSON.parse as the model: it takes the same texts, and finds the members.
// What it says about bad texts (the place, the reason) and its depth limit are shown by example.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Fault } from '../../src/event/fault.ts'
import { JSON_DEPTH_MAX, JsonScanner, withoutLineBreaks } from '../../src/event/json.ts'

// One for all tests, as a shard has one for all requests: nothing may be left of an earlier text.
const scanner = new JsonScanner()

function scan(text: string | Uint8Array): Fault | undefined {
  return scanner.scanObject(Buffer.from(text))
}

/** What JSON.parse makes of the text: the code of the fault that is due, or nothing. */
function modelCode(text: string): string | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return 'invalid_json'
  }
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject ? undefined : 'not_an_object'
}

/** Text of the spans found by the last scan: [key, value] of each member, raw. */
function rawMembers(text: Buffer): [key: string, value: string][] {
  const { members } = scanner
  assert.equal(members.length % 4, 0)
  return Array.from({ length: members.length / 4 }, (_, index) => {
    const [from, to, start, end] = members.slice(index * 4, index * 4 + 4)
    return [text.subarray(from, to).toString(), text.subarray(start, end).toString()]
  })
}

const key = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('user_ip', '', '__proto__'))
const anyJson = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(1e21, -0.5, 1e-9, '\u2028', '\ud83d\ude00', '"\\/\b\f\n\r\t', {}, []),
)
const layout = fc.constantFrom('', ' ', '\t', '\r', '\n', '\r\n  ')
const object = fc.dictionary(key, anyJson, { maxKeys: 5 })
const jsonText = fc
  .tuple(fc.oneof({ weight: 4, arbitrary: object }, anyJson), layout, layout)
  .map(([value, indent, edge]) => edge + JSON.stringify(value, null, indent) + edge)

/** Pieces that make and break JSON, put in at any place or instead of what stands there. */
const piece = fc.oneof(
  fc.constantFrom(...'{}[]:,"\\/-+.019eEu \n\r\t\0\x1f\x7f'),
  fc.constantFrom('null', 'true', 'fals', '\\u00', '\\ud800', '1e5', '{"a":', '\ufeff', 'é', '//'),
)
const mutated = fc
  .tuple(jsonText, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 2 }), piece), { maxLength: 3 }))
  .map(([text, changes]) => {
    let changed = text
    for (const [place, removed, inserted] of changes) {
      const at = place % (changed.length + 1)
      changed = changed.slice(0, at) + inserted + changed.slice(at + removed)
    }
    // What is scanned is UTF-8, so a surrogate that a change has left alone becomes U+FFFD.
    return changed.toWellFormed()
  })

describe('the scanner accepts what JSON.parse accepts and is an object', () => {
  const check = (text: string): void => {
    assert.equal(scan(text)?.code, modelCode(text), JSON.stringify(text))
  }

  it('valid texts, with any layout', () => {
    fc.assert(fc.property(jsonText, check))
  })

  it('texts with something put in, left out or replaced', () => {
    fc.assert(fc.property(mutated, check), { numRuns: 1000 })
  })

  it('rows of pieces of JSON', () => {
    const rows = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''))
    fc.assert(fc.property(rows, check), { numRuns: 500 })
    fc.assert(
      fc.property(rows, (row) => check(`{"a":${row}}`)),
      { numRuns: 500 },
    )
  })

  const values: readonly string[] = [
    ...['0', '-0', '10', '1.0', '0.10', '1e0', '1E+10', '1e-10', '12345678901234567890', '-1.5e9'],
    ...['01', '-01', '00', '1.', '.5', '-', '+1', '1e', '1e+', '1e-', '1.e1', '0x10', '1_0', '--1'],
    ...['NaN', 'Infinity', '-Infinity', 'nul', 'nulll', 'True', 'undefined', '1 2', '"" ""'],
    ...['"\\ud800"', '"\\udc00\\ud800"', '"\\uD83D\\uDE00"', '"\\u00e"', '"\\u00eg"', '"\\u"'],
    ...['"\\x41"', '"\\a"', '"\\"', '"\\\\"', '"\\\\\\"', '"\\/"', "'a'", '"\\u{41}"', '"a'],
    ...['"\u0000"', '"\u001f"', '"\u007f"', '"\n"', '"\t"', '"\u2028"', '"\ufeff"', '"😀"'],
    ...['[]', '[,]', '[1,]', '[,1]', '[1 2]', '[', ']', '[}', '{]', '{}', '{,}', '{"b":1,}'],
    ...['{"b"}', '{"b":}', '{b:1}', '{1:1}', '{"b":1 "c":2}', '{"b":1,,"c":2}', '{"b"::1}'],
    ...['\u00a01', '\u000b1', '\f1', '\ufeff1', '/**/1', '1//', '\r\n\t 1 \t\r\n', ''],
  ]
  for (const value of values) {
    const text = `{"a":${value}}`
    const expected = modelCode(text) ?? 'accepted'
    it(`${JSON.stringify(text)}: ${expected}`, () => check(text))
  }
})

describe('the scanner finds', () => {
  const space = fc.constantFrom('', ' ', '\n', '\t\r\n')
  const member = fc.tuple(key, anyJson, space)

  it('every member in order, duplicates too, each with its own text', () => {
    fc.assert(
      fc.property(fc.array(member, { maxLength: 6 }), space, (members, edge) => {
        const rows = members.map(([name, value, gap]) => {
          const raw = JSON.stringify(value)
          return { name: JSON.stringify(name).slice(1, -1), raw, gap }
        })
        const inner = rows.map(({ name, raw, gap }) => `${gap}"${name}"${gap}:${gap}${raw}${gap}`)
        const text = Buffer.from(`${edge}{${inner.join(',')}}${edge}`)
        assert.equal(scan(text), undefined)
        const expected = rows.map(({ name, raw }) => [name, raw])
        assert.deepEqual(rawMembers(text), expected)
      }),
    )
  })

  it('no member of anything but the top-level object', () => {
    const text = Buffer.from('{"a":{"b":[{"c":1}]},"d":[[],{}],"e":{}}')
    assert.equal(scan(text), undefined)
    const expected = [
      ['a', '{"b":[{"c":1}]}'],
      ['d', '[[],{}]'],
      ['e', '{}'],
    ]
    assert.deepEqual(rawMembers(text), expected)
  })

  it('the brace that closes the top-level object', () => {
    fc.assert(
      fc.property(object, layout, layout, (value, indent, edge) => {
        const body = JSON.stringify(value, null, indent)
        const text = Buffer.from(edge + body + edge)
        assert.equal(scan(text), undefined)
        assert.equal(scanner.close, Buffer.byteLength(edge + body) - 1)
      }),
    )
  })

  it('line breaks between tokens, and withoutLineBreaks takes them out, values unchanged', () => {
    fc.assert(
      fc.property(object, layout, layout, (value, indent, edge) => {
        const text = Buffer.from(edge + JSON.stringify(value, null, indent) + edge)
        assert.equal(scan(text), undefined)
        assert.equal(scanner.hasLineBreak, text.includes('\n') || text.includes('\r'))
        const flat = withoutLineBreaks(text)
        assert.equal(scan(flat), undefined)
        assert.equal(scanner.hasLineBreak, false)
        assert.deepEqual(JSON.parse(Buffer.from(flat).toString()), JSON.parse(text.toString()))
      }),
    )
  })

  it('no line break where a string holds an escaped one', () => {
    assert.equal(scan('{"a":"\\n\\r"}'), undefined)
    assert.equal(scanner.hasLineBreak, false)
  })
})

describe('a bad text is refused with its place and the reason', () => {
  const texts: readonly [text: string, place: string, reason: RegExp][] = [
    ['', 'line 1, column 1 (byte 0)', /the body is empty/],
    [' \n\t', 'line 2, column 2 (byte 3)', /the body is empty/],
    ['\ufeff{}', 'line 1, column 1 (byte 0)', /byte order mark/],
    ['{} x', 'line 1, column 4 (byte 3)', /x where the end of the body is due/],
    ['{}{}', 'line 1, column 3 (byte 2)', /\{ where the end of the body is due/],
    ['{} \u00a0', 'line 1, column 4 (byte 3)', /byte 0xc2 where the end of the body is due/],
    ['{', 'line 1, column 2 (byte 1)', /the body ends where a key in double quotes is due/],
    ['{"a"', 'line 1, column 5 (byte 4)', /the body ends where a colon is due/],
    ['{"a":', 'line 1, column 6 (byte 5)', /the body ends where a value is due/],
    ['{"a":1', 'line 1, column 7 (byte 6)', /the body ends where a comma or } is due/],
    ['{"a":[1', 'line 1, column 8 (byte 7)', /the body ends where a comma or ] is due/],
    ['{"a":"x', 'line 1, column 8 (byte 7)', /a string without its end/],
    ['{"a":"x\n"}', 'line 1, column 8 (byte 7)', /a control character in a string/],
    ['{"a":"\\x"}', 'line 1, column 7 (byte 6)', /an escape that JSON does not have/],
    ['{"a":"\\u12G4"}', 'line 1, column 7 (byte 6)', /an escape that JSON does not have/],
    ["{'a':1}", 'line 1, column 2 (byte 1)', /' where a key in double quotes is due/],
    ['{\n"a": 1,\n}', 'line 3, column 1 (byte 10)', /} where a key in double quotes is due/],
    ['{\r\n  "a": 1\r\n  "b": 2}', 'line 3, column 3 (byte 15)', /" where a comma or } is due/],
    ['{"a":01}', 'line 1, column 7 (byte 6)', /1 where a comma or } is due/],
    ['{"a":-}', 'line 1, column 7 (byte 6)', /} where a digit is due/],
    ['{"a":1.}', 'line 1, column 8 (byte 7)', /} where a digit is due/],
    ['{"a":1e+}', 'line 1, column 9 (byte 8)', /} where a digit is due/],
    ['{"a":nul}', 'line 1, column 6 (byte 5)', /n where a value is due/],
    ['{"a":\u0000}', 'line 1, column 6 (byte 5)', /byte 0x0 where a value is due/],
  ]
  for (const [text, place, reason] of texts) {
    it(`${JSON.stringify(text)}: ${place}`, () => {
      const fault = scan(text)
      assert.equal(fault?.code, 'invalid_json')
      assert.ok(fault.detail.includes(place), fault.detail)
      assert.match(fault.detail, reason)
    })
  }

  it('a character that only begins with the first byte of a byte order mark is called none', () => {
    // U+FF02, a full-width quotation mark, is EF BC 82; the mark is EF BB BF.
    const fault = scan('\uff02')
    assert.equal(fault?.code, 'invalid_json')
    assert.doesNotMatch(fault.detail, /byte order mark/)
  })

  it('a byte order mark is none behind white space, where it is an odd byte', () => {
    assert.match(scan(' \ufeff{}')?.detail ?? '', /byte 0xef where a value is due/)
  })

  const kinds: readonly [text: string, kind: string][] = [
    ['[{}]', 'an array'],
    ['"{}"', 'a string'],
    [' null', 'null'],
    ['true', 'a boolean'],
    ['false', 'a boolean'],
    ['0', 'a number'],
    ['-1.5', 'a number'],
  ]
  for (const [text, kind] of kinds) {
    it(`${text} is JSON but ${kind}`, () => {
      const fault = scan(text)
      assert.equal(fault?.code, 'not_an_object')
      assert.ok(fault.detail.endsWith(`not ${kind}`), fault.detail)
    })
  }
})

describe('the depth limit', () => {
  const objects = (depth: number): string =>
    `${'{"a":'.repeat(depth - 1)}{}${'}'.repeat(depth - 1)}`
  const arrays = (depth: number): string => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`

  for (const [what, nested] of Object.entries({ objects, arrays })) {
    it(`takes ${JSON_DEPTH_MAX} levels of ${what} and refuses one more, however deep`, () => {
      assert.equal(scan(nested(JSON_DEPTH_MAX)), undefined)
      for (const depth of [JSON_DEPTH_MAX + 1, JSON_DEPTH_MAX * 100]) {
        const fault = scan(nested(depth))
        assert.equal(fault?.code, 'invalid_json')
        assert.match(fault.detail, /deeper than 1024 levels/)
      }
    })
  }

  it('counts levels that are open, not containers', () => {
    const wide = `{"a":[${'[],'.repeat(JSON_DEPTH_MAX * 2)}{}]}`
    assert.equal(scan(wide), undefined)
  })
})
