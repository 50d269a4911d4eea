// Redis's channel patterns against a naive model of its stringmatchlen: what matches, and what each
// wildcard of the pattern stands for.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Pattern } from '../../src/event/pattern.ts'

type Bytes = readonly number[]

const STAR = 0x2a
const QUESTION = 0x3f
const OPEN = 0x5b
const CLOSE = 0x5d
const BACKSLASH = 0x5c
const CARET = 0x5e
const HYPHEN = 0x2d

/**
 * What Redis's loop over a class finds out: is the byte in it, and which part of the pattern is
 * left. Bytes are compared without a sign; in Redis, the sign of a range's ends beyond ASCII is
 * that of its platform's char.
 */
function classModel(pattern: Bytes, byte: number): { isMember: boolean; rest: Bytes } {
  let rest = pattern.slice(1)
  const isNegated = rest[0] === CARET
  if (isNegated) rest = rest.slice(1)
  let isListed = false
  for (;;) {
    const [first, second, third] = rest
    if (first === undefined) return { isMember: isListed !== isNegated, rest }
    if (first === BACKSLASH && second !== undefined) {
      isListed ||= second === byte
      rest = rest.slice(2)
    } else if (first === CLOSE) {
      return { isMember: isListed !== isNegated, rest: rest.slice(1) }
    } else if (second === HYPHEN && third !== undefined) {
      isListed ||= first <= byte && byte <= third
      isListed ||= third <= byte && byte <= first
      rest = rest.slice(3)
    } else {
      isListed ||= first === byte
      rest = rest.slice(1)
    }
  }
}

/**
 * Tries everything, one byte after the other: the captures, or undefined. A star may be nothing,
 * also in an empty channel; Redis has no star match that one, and so never asks.
 */
function model(pattern: Bytes, channel: Bytes): Bytes[] | undefined {
  const [first, second] = pattern
  if (first === undefined) return channel.length === 0 ? [] : undefined
  if (first === STAR) {
    if (second === STAR) return model(pattern.slice(1), channel)
    for (let length = 0; length <= channel.length; length++) {
      const rest = model(pattern.slice(1), channel.slice(length))
      if (rest !== undefined) return [channel.slice(0, length), ...rest]
    }
    return undefined
  }
  const [byte] = channel
  if (byte === undefined) return undefined
  const after = channel.slice(1)
  if (first === QUESTION || first === OPEN) {
    const isAny = first === QUESTION
    const { isMember, rest } = isAny
      ? { isMember: true, rest: pattern.slice(1) }
      : classModel(pattern, byte)
    const captures = isMember ? model(rest, after) : undefined
    return captures && [[byte], ...captures]
  }
  const isEscape = first === BACKSLASH && second !== undefined
  const literal = isEscape ? second : first
  return literal === byte ? model(pattern.slice(isEscape ? 2 : 1), after) : undefined
}

function captures(pattern: string, channel: Uint8Array): Bytes[] | undefined {
  return new Pattern(pattern).match(channel)?.map((capture) => [...capture])
}

function textsOf(pattern: string, channel: string): string[] | undefined {
  const found = new Pattern(pattern).match(Buffer.from(channel))
  return found?.map((capture) => Buffer.from(capture).toString())
}

const cases: readonly [pattern: string, channel: string, captures: string[] | null, why: string][] =
  [
    ['', '', [], 'nothing is nothing'],
    ['', 'a', null, 'nothing is not something'],
    ['news', 'news', [], 'a text without wildcards'],
    ['news', 'new', null, 'the channel ends early'],
    ['news', 'newss', null, 'the channel goes on'],
    ['News', 'news', null, 'letters have their case'],
    ['*', 'news', ['news'], 'a star is all'],
    ['news*', 'news', [''], 'a star may be nothing'],
    ['*news', 'news', [''], 'also in front'],
    ['n**s', 'news', ['ew'], 'two stars are one'],
    ['n***', 'n', [''], 'three stars at the end are one'],
    ['*.*', 'a.b.c', ['a', 'b.c'], 'of two stars the first takes least'],
    ['*.*.*', 'a.b', null, 'each dot needs one'],
    ['*.x', 'a.x.x', ['a.x'], 'what follows the last star stands at the end'],
    ['a*a', 'a', null, 'one byte is not both ends'],
    ['*ab*', 'aab', ['a', ''], 'a stretch that begins twice'],
    ['h?llo', 'hello', ['e'], 'a question mark is one byte'],
    ['h?llo', 'hllo', null, 'a question mark is not nothing'],
    ['h??o', 'hé', null, 'too short for both'],
    ['caf??', 'café', ['\ufffd', '\ufffd'], 'one byte, not one character'],
    ['h[ae]llo', 'hallo', ['a'], 'a class'],
    ['h[ae]llo', 'hillo', null, 'not in the class'],
    ['h[^e]llo', 'hallo', ['a'], 'a negated class'],
    ['h[^e]llo', 'hello', null, 'in the negated class'],
    ['[a^]', '^', ['^'], 'a caret that is not first is a byte'],
    ['[a-c]', 'b', ['b'], 'a range'],
    ['[c-a]', 'b', ['b'], 'a range the wrong way round'],
    ['[a-c]', '-', null, 'the hyphen of a range is not in it'],
    ['[^a-c]', 'd', ['d'], 'outside a negated range'],
    ['[-a]', '-', ['-'], 'a hyphen in front is a byte'],
    ['[a-]', 'b', null, 'from a to the bracket, which does not close then'],
    ['[a-]', '^', ['^'], 'between the bracket and a'],
    ['[a-]z]', 'z', ['z'], 'the class goes on after a range to a bracket'],
    ['[a-\\]]', 'a]', ['a'], 'a range to a backslash, which escapes nothing'],
    ['[\\]]', ']', [']'], 'an escaped bracket'],
    ['[\\^a]', '^', ['^'], 'an escaped caret'],
    ['[a\\-c]', 'b', null, 'an escaped hyphen makes no range'],
    ['[*?]', '*', ['*'], 'no wildcards in a class'],
    ['[*?]', 'a', null, 'no wildcards in a class'],
    ['[]', 'a', null, 'an empty class has nothing'],
    ['[]a]', 'aa]', null, 'a bracket in front closes'],
    ['[^]', 'a', ['a'], 'an empty negated class has all'],
    ['[ab', 'b', ['b'], 'a class that is not closed ends with the pattern'],
    ['[', '[', null, 'an open bracket alone is an empty class'],
    ['[^', '[', ['['], 'and negated one of all'],
    ['[\\', '\\', ['\\'], 'a backslash at the end of a class'],
    ['x[a-', 'x-', ['-'], 'a range without its end is none'],
    ['\\*', '*', [], 'an escaped star'],
    ['\\*', 'a', null, 'an escaped star is no wildcard'],
    ['\\?\\[\\\\', '?[\\', [], 'escapes of all that has a meaning'],
    ['\\n', 'n', [], 'an escape of what has none'],
    ['a\\', 'a\\', [], 'a backslash at the end is itself'],
    ['é*', 'è', null, 'half a character in common'],
    ['é*', 'école', ['cole'], 'a text beyond ASCII'],
  ]

describe('a pattern', () => {
  for (const [pattern, channel, expected, why] of cases) {
    it(`${pattern} ${expected === null ? 'does not match' : 'matches'} ${channel}: ${why}`, () => {
      assert.deepEqual(textsOf(pattern, channel), expected ?? undefined)
      assert.equal(
        model([...Buffer.from(pattern)], [...Buffer.from(channel)]) === undefined,
        !expected,
      )
    })
  }

  it('matches what Redis does, and each wildcard stands for what the model says', () => {
    // Pieces of a pattern, each with the piece of a channel that it may stand for.
    const plain = 'a=a b=b é=é ?=a ??=é *= *=ab **=* *a=ba \\*=* \\a=a \\\\=\\'
    const classes = '[ab]=b [^a]=b [a-b]=a [b-a]=b [é]=é [é-b]=~ [\\]]=] [a-]=] []=a [^]=b'
    const parts = '[=[ [^=a ]=] ^=^ -=- -]=- \\=\\'
    const pieces = `${plain} ${classes} ${parts}`.split(' ').map((piece) => piece.split('='))
    const piece = fc.constantFrom(...(pieces as [pattern: string, channel: string][]))
    const noise = fc.constantFrom(
      ...[...'ab*?[]^-\\'].map((text) => text.charCodeAt(0)),
      0xc3,
      0xa9,
    )
    const change = fc.record({ at: fc.nat({ max: 12 }), remove: fc.nat({ max: 1 }), byte: noise })
    let matches = 0
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 7 }),
        fc.array(change, { maxLength: 2 }),
        (chosen, changes) => {
          const pattern = chosen.map(([text]) => text).join('')
          const channel = [...Buffer.from(chosen.map(([, text]) => text).join(''))]
          for (const { at, remove, byte } of changes) channel.splice(at, remove, byte)
          const expected = model([...Buffer.from(pattern)], channel)
          if (expected !== undefined) matches++
          assert.deepEqual(captures(pattern, Buffer.from(channel)), expected)
        },
      ),
      { numRuns: 5000 },
    )
    assert.ok(matches > 500, `${matches} of 5000 match: the property shows something`)
  })

  it('of any bytes, also those that are no text', () => {
    const alphabet = fc.constantFrom(0x00, 0x61, 0x62, 0x2e, 0x80, 0xc3, 0xff)
    const pattern = fc.array(fc.constantFrom('*', '?', 'a', '.', '[^a]', '[a-b]', '\0'), {
      maxLength: 6,
    })
    fc.assert(
      fc.property(
        pattern,
        fc.uint8Array({ maxLength: 8 }),
        fc.array(alphabet),
        (pieces, any, some) => {
          const text = pieces.join('')
          for (const channel of [Buffer.from(any), Buffer.from(some.slice(0, 8))]) {
            assert.deepEqual(captures(text, channel), model([...Buffer.from(text)], [...channel]))
          }
        },
      ),
    )
  })

  it('has as many wildcards as a match has captures', () => {
    const piece = fc.constantFrom('a', '*', '?', '[a]', '[^b]', '\\*', '[a-', '\\')
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const pattern = new Pattern(pieces.join(''))
        for (const channel of ['a', 'aa', 'aaaa', 'a*a', 'a\\', '*-', '']) {
          const found = pattern.match(Buffer.from(channel))
          if (found !== undefined) assert.equal(found.length, pattern.wildcards)
        }
      }),
    )
    assert.equal(new Pattern('a**b?[x-z][^\\]]\\*\\?').wildcards, 4)
  })

  it('made of a text with every byte escaped matches that text and no other', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '*', '?', '[', ']', '^', '-', '\\') })
    fc.assert(
      fc.property(text, text, (own, other) => {
        const pattern = new Pattern(own.replace(/./g, '\\$&'))
        assert.deepEqual(pattern.match(Buffer.from(own)), [])
        assert.equal(pattern.match(Buffer.from(other)) !== undefined, own === other)
      }),
    )
  })

  it('can be asked again, and about a part of a larger buffer', () => {
    const pattern = new Pattern('a*b?')
    const large = Buffer.from('xxa12b3yy')
    for (let round = 0; round < 3; round++) {
      const found = pattern.match(large.subarray(2, 7))
      assert.deepEqual(
        found?.map((capture) => Buffer.from(capture).toString()),
        ['12', '3'],
      )
    }
  })

  // One that goes back to earlier stars would need more steps here than there are seconds.
  const nasty: readonly [pattern: string, channel: string][] = [
    [`${'a*'.repeat(200)}b`, 'a'.repeat(1024)],
    [`${'*a'.repeat(200)}*b`, 'a'.repeat(1024)],
    [`${'*?'.repeat(200)}b`, 'a'.repeat(1024)],
    [`${'*[^b]a'.repeat(100)}*bb`, 'a'.repeat(1024)],
    [`*${'a'.repeat(500)}b*c`, 'a'.repeat(1024)],
    [`${'*'.repeat(5000)}b`, 'a'.repeat(1024)],
  ]
  for (const [pattern, channel] of nasty) {
    it(`such as ${pattern.slice(0, 12)}… does not hang on a channel that nearly matches`, () => {
      assert.equal(new Pattern(pattern).match(Buffer.from(channel)), undefined)
      // And it is the end alone that is wrong.
      assert.notEqual(
        new Pattern(pattern.replace(/\*?b+(\*c)?$/, '*')).match(Buffer.from(channel)),
        undefined,
      )
    })
  }
})
