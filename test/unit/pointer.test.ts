// JSON pointers: the examples of RFC 6901, and the places where a document has nothing.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { JsonPointer } from '../../src/rollup/pointer.ts'

function read(pointer: string, document: unknown): unknown {
  return new JsonPointer(pointer).read(document)
}

describe('a JSON pointer', () => {
  // RFC 6901, 5.
  const document: unknown = JSON.parse(String.raw`{
    "foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, "k\"l": 6,
    " ": 7, "m~n": 8
  }`)
  const examples: readonly [pointer: string, value: unknown][] = [
    ['', document],
    ['/foo', ['bar', 'baz']],
    ['/foo/0', 'bar'],
    ['/', 0],
    ['/a~1b', 1],
    ['/c%d', 2],
    ['/e^f', 3],
    ['/g|h', 4],
    ['/i\\j', 5],
    ['/k"l', 6],
    ['/ ', 7],
    ['/m~0n', 8],
  ]
  for (const [pointer, value] of examples) {
    it(`${JSON.stringify(pointer)} leads where RFC 6901 says`, () => {
      assert.deepEqual(read(pointer, document), value)
    })
  }

  const others: readonly [pointer: string, json: string, value: unknown, why: string][] = [
    ['/a/b/c', '{"a":{"b":{"c":1}}}', 1, 'step by step'],
    ['/a//b', '{"a":{"":{"b":1}}}', 1, 'an empty key in the middle'],
    ['//', '{"":{"":1}}', 1, 'two empty keys'],
    ['/~01', '{"~1":1,"/":2}', 1, 'first ~1, then ~0'],
    ['/~0~1~0', '{"~/~":1}', 1, 'several escapes'],
    ['/a', '{"a":null}', null, 'null is a value'],
    ['/a', '{"a":false}', false, 'false is a value'],
    ['/1/0', '[[1],[2]]', 2, 'lists in lists'],
    ['/10', '[0,1,2,3,4,5,6,7,8,9,"x"]', 'x', 'an index of two digits'],
    ['/0', '{"0":1}', 1, 'an object may have a key that is a number'],
    ['/01', '{"01":1}', 1, 'and one with a leading zero'],
    ['/length', '{"length":1}', 1, 'a key that lists have'],
    ['/__proto__', '{"__proto__":1}', 1, 'a key of that name that is there'],
    ['/a', '{"a":1,"a":2}', 2, 'the last of two'],
    ['', '"text"', 'text', 'the whole document, where it is no object'],
    ['', 'null', null, 'also where it is null'],
  ]
  for (const [pointer, json, value, why] of others) {
    it(`${pointer} in ${json} leads to ${JSON.stringify(value)}: ${why}`, () => {
      assert.deepEqual(read(pointer, JSON.parse(json)), value)
    })
  }

  const missing: readonly [pointer: string, json: string, why: string][] = [
    ['/b', '{"a":1}', 'no such key'],
    ['/A', '{"a":1}', 'keys are case-sensitive'],
    ['/', '{"a":1}', 'no empty key'],
    ['/a/b', '{"a":1}', 'a number has no keys'],
    ['/a/b', '{"a":null}', 'null has none'],
    ['/a/0', '{"a":"text"}', 'a text has no places'],
    ['/a/length', '{"a":"text"}', 'nor a length'],
    ['/a', 'null', 'nor has a document that is null'],
    ['/a', '7', 'or a number'],
    ['/length', '[1,2]', 'a list has indexes only'],
    ['/-', '[1,2]', 'the place behind the last has nothing'],
    ['/2', '[1,2]', 'an index past the last'],
    ['/-1', '[1,2]', 'a negative index'],
    ['/00', '[1,2]', 'an index with a leading zero'],
    ['/1.0', '[1,2]', 'an index that is no whole number'],
    ['/1e0', '[1,2]', 'an index in another notation'],
    ['/ 1', '[1,2]', 'an index with a space'],
    ['/4294967296', '[1,2]', 'an index past any list'],
    ['/toString', '{}', 'what objects inherit'],
    ['/__proto__', '{}', 'what objects inherit'],
    ['/constructor/name', '{}', 'what objects inherit'],
    ['/map', '[]', 'what lists inherit'],
  ]
  for (const [pointer, json, why] of missing) {
    it(`${pointer} in ${json} leads nowhere: ${why}`, () => {
      assert.equal(read(pointer, JSON.parse(json)), undefined)
    })
  }

  it('leads to every value of any document', () => {
    const key = fc.string({
      unit: fc.constantFrom('~', '/', '0', '1', 'a', '"', 'é', '%'),
      maxLength: 3,
    })
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(null, 0, '', 'text', true),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(key, tie('tree'), { maxKeys: 3 }),
      ),
    }))
    const check = (document: unknown, pointer: string, value: unknown): void => {
      assert.deepEqual(read(pointer, document), value)
      if (typeof value !== 'object' || value === null) return
      for (const [step, inner] of Object.entries(value)) {
        check(
          document,
          `${pointer}/${step.replace(/[~/]/g, (c) => (c === '~' ? '~0' : '~1'))}`,
          inner,
        )
      }
    }
    fc.assert(fc.property(tree, (document) => check(document, '', document)))
  })
})
