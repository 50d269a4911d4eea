// The tally of a rollup's period against naive counting: its JSON, its order, its bounds.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Tally } from '../../src/rollup/tally.ts'

function tallyOf(keys: readonly string[]): Tally {
  const tally = new Tally(1000, 100_000)
  for (const key of keys) assert.equal(tally.add(key), true, key)
  return tally
}

/** Counted and written without a Map or an object, in which some keys are special. */
function model(keys: readonly string[]): string | undefined {
  const distinct = keys.filter((key, index) => keys.indexOf(key) === index)
  distinct.sort((one, other) => (one < other ? -1 : 1))
  const members = distinct.map((key) => {
    const count = keys.filter((other) => other === key).length
    return `${JSON.stringify(key)}:${count}`
  })
  return members.length === 0 ? undefined : `{${members.join(',')}}`
}

describe('the counts of a period', () => {
  const written: readonly [keys: readonly string[], text: string, why: string][] = [
    [['b', 'a', 'b'], '{"a":1,"b":2}', 'sorted, and counted'],
    [['2665', '10', '9', 'a', '10'], '{"10":2,"2665":1,"9":1,"a":1}', 'as texts, not as numbers'],
    [['1F1E9-1F1EA', '1F1E9'], '{"1F1E9":1,"1F1E9-1F1EA":1}', 'a key that begins another'],
    [['__proto__', '__proto__'], '{"__proto__":2}', 'a name that objects have'],
    [['constructor', 'toString'], '{"constructor":1,"toString":1}', 'names that objects inherit'],
    [['', '', ''], '{"":3}', 'an empty key'],
    [['"\\\n\u2028'], '{"\\"\\\\\\n\u2028":1}', 'what JSON escapes'],
    [['é', 'z', '😀', '\uffff'], '{"z":1,"é":1,"😀":1,"\uffff":1}', 'in the order of UTF-16'],
    [['a', 'A', 'B'], '{"A":1,"B":1,"a":1}', 'capitals first'],
    [['e\u0301', '\u00e9'], '{"e\u0301":1,"\u00e9":1}', 'not normalised: other bytes, other keys'],
  ]
  for (const [keys, text, why] of written) {
    it(`of ${JSON.stringify(keys)} are ${text}: ${why}`, () => {
      assert.equal(tallyOf(keys).take(), text)
    })
  }

  it('are what a naive count is, for any keys', () => {
    const key = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 3 }),
      fc.constantFrom('', 'a', 'b', '0', '1', '10', '-1', '__proto__', 'hasOwnProperty', 'length'),
    )
    fc.assert(
      fc.property(fc.array(key, { maxLength: 40 }), (keys) => {
        const text = tallyOf(keys).take()
        assert.equal(text, model(keys))
        if (text === undefined) return
        const counts = Object.values(JSON.parse(text) as Record<string, number>)
        assert.equal(
          counts.reduce((sum, count) => sum + count, 0),
          keys.length,
        )
      }),
    )
  })

  it('are none before the first key, and none again after they were taken', () => {
    const tally = tallyOf([])
    assert.equal(tally.take(), undefined)
    tally.add('a')
    assert.equal(tally.take(), '{"a":1}')
    assert.equal(tally.take(), undefined)
    tally.add('b')
    assert.equal(tally.take(), '{"b":1}')
  })
})

describe('the bounds of a tally', () => {
  it('are as many keys as the limit, and not one more', () => {
    const tally = new Tally(2, 100)
    assert.equal(tally.add('a'), true)
    assert.equal(tally.add('b'), true)
    assert.equal(tally.add('c'), false)
    assert.equal(tally.take(), '{"a":1,"b":1}', 'what had no room was not counted')
  })

  it('do not keep out a key that is there already', () => {
    const tally = new Tally(1, 1)
    for (let count = 0; count < 1000; count++) assert.equal(tally.add('a'), true)
    assert.equal(tally.add('b'), false)
    assert.equal(tally.take(), '{"a":1000}')
  })

  it('are as many bytes of UTF-8 as the limit, and not one more', () => {
    const tally = new Tally(100, 8)
    assert.equal(tally.add('abc'), true)
    assert.equal(tally.add('é😀'), false)
    assert.equal(tally.add('é€'), true, '8 bytes')
    assert.equal(tally.add('é€'), true, 'counted again, it takes none')
    assert.equal(tally.add(''), true, 'an empty key takes none')
    assert.equal(tally.add('d'), false)
    assert.equal(tally.take(), '{"":1,"abc":1,"é€":2}')
  })

  it('take a lone key that is longer, and nothing beside it', () => {
    const tally = new Tally(100, 4)
    assert.equal(tally.add('toolong'), true)
    assert.equal(tally.add('a'), false)
    assert.equal(tally.add('toolong'), true)
    assert.equal(tally.take(), '{"toolong":2}')
    assert.equal(tally.add('a'), true)
    assert.equal(tally.add('toolong'), false)
  })

  it('begin again when the counts are taken', () => {
    const tally = new Tally(2, 4)
    for (let round = 0; round < 3; round++) {
      assert.equal(tally.add('ab'), true)
      assert.equal(tally.add('cd'), true)
      assert.equal(tally.add('e'), false)
      assert.equal(tally.take(), '{"ab":1,"cd":1}')
    }
  })

  it('for any keys: what is in it is within them, and what is kept out would not be', () => {
    const key = fc.string({ unit: fc.constantFrom('a', 'é', '😀'), maxLength: 3 })
    const limits = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 12 }))
    fc.assert(
      fc.property(fc.array(key, { maxLength: 30 }), limits, (keys, [keysMax, bytesMax]) => {
        const tally = new Tally(keysMax, bytesMax)
        let kept: string[] = []
        for (const key of keys) {
          const distinct = new Set([...kept, key])
          const bytes = Buffer.byteLength([...distinct].join(''))
          const fits = distinct.size <= keysMax && bytes <= bytesMax
          const hasRoom = fits || kept.length === 0 || kept.includes(key)
          assert.equal(tally.add(key), hasRoom)
          if (hasRoom) {
            kept.push(key)
            continue
          }
          assert.equal(tally.take(), model(kept))
          kept = []
        }
        assert.equal(tally.take(), model(kept))
      }),
    )
  })
})
