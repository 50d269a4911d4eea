// The grammar of topics: what a path means, what is refused and why, and what an event on a topic
// is delivered to. Limits are shown at their edge and one past it.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Fault } from '../../src/event/fault.ts'
import {
  covers,
  normaliseTopic,
  selectionsOf,
  TOPIC_BYTES_MAX,
  TOPIC_SEGMENTS_MAX,
  topicFromPath,
} from '../../src/event/topic.ts'

function segments(count: number): string {
  return '/s'.repeat(count)
}

/** The topic, or the code of the fault: what a table can hold. */
function outcome(topic: string | Fault): string {
  return topic instanceof Fault ? topic.code : topic
}

describe('a topic from a path', () => {
  const paths: readonly [path: string, outcome: string, why: string][] = [
    ['', '/', 'nothing is the root'],
    ['/', '/', 'the root'],
    ['//', '/', 'nothing but slashes is the root'],
    ['/pets', '/pets', 'one segment'],
    ['/pets/dogs', '/pets/dogs', 'two segments'],
    ['pets', '/pets', 'the leading slash may be missing'],
    ['/pets/', '/pets', 'a trailing slash is normalised away'],
    ['//pets///dogs//', '/pets/dogs', 'empty segments are normalised away'],
    ['/caf%C3%A9', '/café', 'percent-encoded UTF-8 is decoded'],
    ['/a%2Fb', '/a/b', 'an encoded slash separates'],
    ['/a%2F%2Fb%2F', '/a/b', 'encoded slashes are normalised too'],
    ['/a+b', '/a+b', 'a plus is a plus'],
    ['/%252e%252e', '/%2e%2e', 'it is decoded once only'],
    ['/a%2525', '/a%25', 'an encoded percent sign stays one'],
    ['/...', '/...', 'three dots are a name'],
    ['/.hidden', '/.hidden', 'a name may begin with a dot'],
    ['/%EF%BF%BD', '/\ufffd', 'a replacement character that was sent is no error'],
    ['/..', 'invalid_topic', 'dot segments'],
    ['/a/../b', 'invalid_topic', 'dot segments in the middle'],
    ['/.', 'invalid_topic', 'a single dot'],
    ['/%2e', 'invalid_topic', 'an encoded dot segment'],
    ['/a/%2E%2e/b', 'invalid_topic', 'encoded dot segments in either case'],
    ['/a%2f..', 'invalid_topic', 'a dot segment behind an encoded slash'],
    ['/%00', 'invalid_topic', 'NUL'],
    ['/a%0Ab', 'invalid_topic', 'a line feed'],
    ['/%1f', 'invalid_topic', 'the last C0 control'],
    ['/%7F', 'invalid_topic', 'DEL'],
    ['/%20', '/ ', 'a space is no control'],
    ['/%', 'invalid_topic', 'a percent sign alone'],
    ['/%4', 'invalid_topic', 'half an encoding'],
    ['/%zz', 'invalid_topic', 'not hexadecimal'],
    ['/%FF', 'invalid_topic', 'a byte that is not UTF-8'],
    ['/%C3', 'invalid_topic', 'half a character'],
    ['/%C0%AF', 'invalid_topic', 'an overlong slash'],
    ['/%ED%A0%80', 'invalid_topic', 'a surrogate in UTF-8'],
  ]
  for (const [path, expected, why] of paths) {
    it(`${JSON.stringify(path)} → ${JSON.stringify(expected)}: ${why}`, () => {
      assert.equal(outcome(topicFromPath(path)), expected)
    })
  }

  it('plain text is not percent-decoded', () => {
    assert.equal(normaliseTopic('/%2e%2e'), '/%2e%2e')
  })

  it('a lone surrogate in plain text is refused, for it has no UTF-8', () => {
    assert.equal(outcome(normaliseTopic('/\ud800')), 'invalid_topic')
    assert.equal(normaliseTopic('/\ud83d\ude00'), '/😀')
  })

  it('whatever the path, the topic is in the one form, or there is a fault', () => {
    const piece = fc.constantFrom(
      'a',
      'b',
      '/',
      '//',
      '.',
      '..',
      '%2e',
      '%2F',
      '%00',
      '%',
      'é',
      '😀',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const topic = topicFromPath(pieces.join(''))
        if (topic instanceof Fault) return
        assert.match(topic, /^\/$|^(\/[^/]+)+$/)
        assert.equal(normaliseTopic(topic), topic)
      }),
    )
  })
})

describe('the limits of a topic', () => {
  it(`takes ${TOPIC_SEGMENTS_MAX} segments and refuses one more, telling both numbers`, () => {
    assert.equal(TOPIC_SEGMENTS_MAX, 16)
    assert.equal(topicFromPath(segments(16)), segments(16))
    const fault = topicFromPath(segments(17))
    assert.ok(fault instanceof Fault)
    assert.equal(fault.code, 'topic_too_deep')
    assert.match(fault.detail, /17 segments.*limit 16/)
  })

  it('counts segments after normalising', () => {
    assert.equal(topicFromPath(segments(16).replaceAll('/', '//')), segments(16))
  })

  it(`takes ${TOPIC_BYTES_MAX} bytes, slash included, and refuses one more`, () => {
    assert.equal(TOPIC_BYTES_MAX, 512)
    const longest = `/${'a'.repeat(511)}`
    assert.equal(topicFromPath(longest), longest)
    const fault = topicFromPath(`${longest}a`)
    assert.ok(fault instanceof Fault)
    assert.equal(fault.code, 'topic_too_long')
    assert.match(fault.detail, /513 bytes.*limit 512/)
  })

  it('counts bytes of UTF-8, not characters nor percent signs', () => {
    const edge = `/a${'é'.repeat(255)}`
    assert.equal(Buffer.byteLength(edge), 512)
    assert.equal(topicFromPath(encodeURI(edge)), edge)
    assert.equal(outcome(topicFromPath(encodeURI(`${edge}a`))), 'topic_too_long')
  })
})

describe('the selections that an event on a topic matches', () => {
  it('are the topic and all above it, root first', () => {
    assert.deepEqual(selectionsOf('/'), ['/'])
    assert.deepEqual(selectionsOf('/pets'), ['/', '/pets'])
    assert.deepEqual(selectionsOf('/pets/dogs/rex'), ['/', '/pets', '/pets/dogs', '/pets/dogs/rex'])
  })

  it('are whole segments: /petshop is not below /pets', () => {
    assert.ok(!selectionsOf('/petshop').includes('/pets'))
    assert.ok(!selectionsOf('/details/2665').includes('/details/26'))
  })

  it('are one more than the segments, each a whole-segment prefix', () => {
    const name = fc.stringMatching(/^[a-c]{1,3}$/)
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: TOPIC_SEGMENTS_MAX }), (names) => {
        const expected = names.map((_, index) => `/${names.slice(0, index + 1).join('/')}`)
        assert.deepEqual(selectionsOf(`/${names.join('/')}`), ['/', ...expected])
      }),
    )
  })
})

describe('a selection covers a topic', () => {
  const pairs: readonly [selection: string, topic: string, covered: boolean][] = [
    ['/', '/', true],
    ['/', '/a/b', true],
    ['/a', '/', false],
    ['/a', '/a', true],
    ['/a', '/a/b', true],
    ['/a', '/a/b/c', true],
    ['/a', '/ab', false],
    ['/ab', '/a', false],
    ['/a/b', '/a', false],
    ['/a/b', '/a/bc', false],
    ['/b', '/a/b', false],
    ['/A', '/a', false],
    ['/details/26', '/details/2665', false],
  ]
  for (const [selection, topic, covered] of pairs) {
    it(`${selection} ${covered ? 'covers' : 'does not cover'} ${topic}`, () => {
      assert.equal(covers(selection, topic), covered)
    })
  }

  it('where it is one of the selections that an event on the topic matches', () => {
    const name = fc.constantFrom('a', 'b', 'ab', '.a', 'é')
    const path = fc.array(name, { maxLength: 4 }).map((names) => `/${names.join('/')}`)
    fc.assert(
      fc.property(path, path, (selection, topic) => {
        assert.equal(covers(selection, topic), selectionsOf(topic).includes(selection))
      }),
    )
  })
})
