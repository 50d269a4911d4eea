// Which topic and which event name the messages of a channel get: templates, what their captures
// may bring with them, and what is refused, at each limit and one past it.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { presets } from '../../src/config/preset.ts'
import { Fault } from '../../src/event/fault.ts'
import {
  CHANNEL_BYTES_MAX,
  faultOfMapping,
  Mapping,
  type Subscription,
  type Target,
} from '../../src/event/mapping.ts'

/** A mapping as a configuration makes it: checked first. */
function mappingOf(subscription: Subscription): Mapping {
  assert.equal(faultOfMapping(subscription), undefined)
  return new Mapping(subscription)
}

/** The target of a channel that is to have one. */
function target(mapping: Mapping, channel: string): Target {
  const found = mapping.targetOf(Buffer.from(channel))
  assert.ok(!(found instanceof Fault), `${channel}: ${JSON.stringify(found)}`)
  return found
}

/** The code of the fault of a channel that is to have no target. */
function refusal(mapping: Mapping, channel: string | Buffer): string {
  const found = mapping.targetOf(Buffer.from(channel as string))
  assert.ok(found instanceof Fault, JSON.stringify(found))
  return found.code
}

describe("emojitracker's mapping", () => {
  const [scores, tweets] = (presets.emojitracker({}).redisSubscriptions ?? []).map(mappingOf)

  it('puts all scores on one topic, without an event name', () => {
    assert.ok(scores)
    const expected = { topic: '/raw', event: undefined }
    assert.deepEqual(target(scores, 'stream.score_updates'), expected)
  })

  it('puts the tweets of each emoji on a topic of its own, under the name of their channel', () => {
    assert.ok(tweets)
    for (const emoji of ['2665', '1F1E9-1F1EA', '__proto__']) {
      const channel = `stream.tweet_updates.${emoji}`
      const expected = { topic: `/details/${emoji}`, event: channel }
      assert.deepEqual(target(tweets, channel), expected)
    }
  })
})

describe('a template', () => {
  const pattern = 'a.*.?.[x-z]'
  const channel = 'a.one.2.y'
  const templates: readonly [template: string, expanded: string][] = [
    ['fixed', 'fixed'],
    ['{channel}', 'a.one.2.y'],
    ['{1}', 'one'],
    ['{2}', '2'],
    ['{3}', 'y'],
    ['{3}{2}{1}{1}', 'y2oneone'],
    ['t-{1}-{channel}-u', 't-one-a.one.2.y-u'],
    ['$1 {1} 100% $& \\', '$1 one 100% $& \\'],
    ['channel 1', 'channel 1'],
    ['é{1}😀', 'éone😀'],
  ]
  for (const [template, expanded] of templates) {
    it(`${template} gives ${expanded}`, () => {
      const mapping = mappingOf({ pattern, topic: template, event: template })
      assert.deepEqual(target(mapping, channel), { topic: `/${expanded}`, event: expanded })
    })
  }

  it('of a topic makes the topic that its text is written as, in the one form', () => {
    const mapping = mappingOf({ pattern: '*', topic: '//a//{1}//' })
    assert.equal(target(mapping, 'b').topic, '/a/b')
  })

  it('does not read what a capture brings for a template again', () => {
    const mapping = mappingOf({ pattern: '*:*', topic: '/{1}/{2}' })
    assert.equal(target(mapping, '{2}:{channel}').topic, '/{2}/{channel}')
  })

  it('with a capture of two digits', () => {
    const pattern = Array(12).fill('?').join('')
    const mapping = mappingOf({ pattern, topic: '/{12}/{1}{2}/{10}' })
    assert.equal(target(mapping, 'abcdefghijkl').topic, '/l/ab/j')
  })

  it('any text around, any capture: each stands where it was put', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'é', '-', '$', '1', '\\', '😀') })
    fc.assert(
      fc.property(text, text, text, text, (before, between, one, two) => {
        const topic = `/t${before}{2}${between}{1}`
        const mapping = mappingOf({ pattern: '*.*', topic, event: `e${between}{1}{channel}` })
        const expected = {
          topic: `/t${before}${two}${between}${one}`,
          event: `e${between}${one}${one}.${two}`,
        }
        assert.deepEqual(target(mapping, `${one}.${two}`), expected)
      }),
    )
  })
})

describe('what a wildcard stands for', () => {
  const mapping = mappingOf({ pattern: 'news.*', topic: '/news/{1}', event: '{1}' })

  const topics: readonly [capture: string, topic: string, why: string][] = [
    ['', '/news', 'nothing is no segment'],
    ['a/b', '/news/a/b', 'a slash separates, as in any topic'],
    ['/a//b/', '/news/a/b', 'empty segments are normalised away'],
    ['a.b', '/news/a.b', 'a dot is a dot'],
    ['...', '/news/...', 'three dots are a name'],
    ['%2e%2e', '/news/%2e%2e', 'nothing is percent-decoded'],
    ['*', '/news/*', 'a star is a star'],
    [' ', '/news/ ', 'a space is a name'],
    ['ü', '/news/ü', 'text beyond ASCII'],
  ]
  for (const [capture, topic, why] of topics) {
    it(`${JSON.stringify(capture)} makes ${topic}: ${why}`, () => {
      assert.deepEqual(target(mapping, `news.${capture}`), { topic, event: capture })
    })
  }

  const refused: readonly [capture: string, code: string, why: string][] = [
    ['..', 'invalid_topic', 'it would lead out'],
    ['.', 'invalid_topic', 'a dot segment'],
    ['a/../../b', 'invalid_topic', 'also in the middle'],
    ['a\nb', 'invalid_topic', 'a line end'],
    ['\0', 'invalid_topic', 'NUL'],
    ['\u007f', 'invalid_topic', 'DEL'],
    ['a/'.repeat(16), 'topic_too_deep', '17 segments with its own'],
  ]
  for (const [capture, code, why] of refused) {
    it(`${JSON.stringify(capture)} is refused as ${code}: ${why}`, () => {
      assert.equal(refusal(mapping, `news.${capture}`), code)
    })
  }

  it('makes no dot segment of a template that only has one where a capture is empty', () => {
    const dots = mappingOf({ pattern: '*', topic: '/a/.{1}.' })
    assert.equal(target(dots, 'x').topic, '/a/.x.')
    assert.equal(refusal(dots, ''), 'invalid_topic')
  })

  it('may be what no event name can be, where it is in the topic only, and the other way', () => {
    const long = 'x'.repeat(300)
    const asTopic = mappingOf({ pattern: '*', topic: '/{1}', event: 'e' })
    assert.equal(target(asTopic, long).topic, `/${long}`)
    const asEvent = mappingOf({ pattern: '*', topic: '/t', event: '{1}' })
    assert.equal(target(asEvent, '..').event, '..')
    assert.equal(refusal(asEvent, 'a\rb'), 'invalid_event_name')
    assert.equal(target(asEvent, 'a\tb').event, 'a\tb')
  })
})

describe('the limits of what a channel makes', () => {
  it(`takes a channel of ${CHANNEL_BYTES_MAX} bytes, and refuses one more, telling both`, () => {
    assert.equal(CHANNEL_BYTES_MAX, 1024)
    const mapping = mappingOf({ pattern: '*', topic: '/t' })
    assert.equal(target(mapping, 'x'.repeat(1024)).topic, '/t')
    assert.equal(target(mapping, 'é'.repeat(512)).topic, '/t')
    const fault = mapping.targetOf(Buffer.from(`${'é'.repeat(512)}x`))
    assert.ok(fault instanceof Fault)
    assert.equal(fault.code, 'invalid_topic')
    assert.match(fault.detail, /1025 bytes.*limit 1024/)
  })

  it('takes a topic of 512 bytes, and refuses one more', () => {
    const mapping = mappingOf({ pattern: '*', topic: '/{1}' })
    assert.equal(target(mapping, 'x'.repeat(511)).topic, `/${'x'.repeat(511)}`)
    assert.equal(refusal(mapping, 'x'.repeat(512)), 'topic_too_long')
    assert.equal(refusal(mapping, 'é'.repeat(256)), 'topic_too_long')
  })

  it('takes a topic of 16 segments, and refuses one more', () => {
    const mapping = mappingOf({ pattern: '*', topic: '/t/{1}' })
    assert.equal(target(mapping, 's/'.repeat(15)).topic, `/t${'/s'.repeat(15)}`)
    assert.equal(refusal(mapping, 's/'.repeat(16)), 'topic_too_deep')
  })

  it('takes an event name of 256 bytes, and refuses one more', () => {
    const mapping = mappingOf({ pattern: '*', topic: '/t', event: '{1}' })
    assert.equal(target(mapping, 'x'.repeat(256)).event, 'x'.repeat(256))
    assert.equal(refusal(mapping, 'x'.repeat(257)), 'invalid_event_name')
    assert.equal(refusal(mapping, 'é'.repeat(129)), 'invalid_event_name')
  })
})

describe('a channel that is no text', () => {
  const latin1 = Buffer.from('news.\xe9', 'latin1')

  it('is refused, whatever the template has of it', () => {
    for (const topic of ['/t', '/{1}', '/{channel}']) {
      assert.equal(refusal(mappingOf({ pattern: 'news.*', topic }), latin1), 'invalid_utf8')
    }
    assert.equal(refusal(mappingOf({ pattern: '*.*', topic: '/{1}' }), latin1), 'invalid_utf8')
  })

  it('of an overlong slash, or of a surrogate, is refused too', () => {
    const mapping = mappingOf({ pattern: '*', topic: '/{1}' })
    assert.equal(refusal(mapping, Buffer.from([0x61, 0xc0, 0xaf])), 'invalid_utf8')
    assert.equal(refusal(mapping, Buffer.from([0xed, 0xa0, 0x80])), 'invalid_utf8')
  })

  it('is not taken for the one that its bytes are in Latin-1', () => {
    const mapping = mappingOf({ pattern: '*', topic: '/{1}' })
    assert.equal(refusal(mapping, Buffer.from([0xe9])), 'invalid_utf8')
    assert.equal(target(mapping, 'é').topic, '/é')
    assert.equal(target(mapping, '\u00c3\u00a9').topic, '/Ã©')
  })

  it('is not taken for the one that it becomes as text, whichever comes first', () => {
    const bytes = Buffer.from([0xff])
    for (const order of [0, 1]) {
      const mapping = mappingOf({ pattern: '*', topic: '/{1}' })
      if (order === 0) assert.equal(refusal(mapping, bytes), 'invalid_utf8')
      assert.equal(target(mapping, '\ufffd').topic, '/\ufffd')
      assert.equal(refusal(mapping, bytes), 'invalid_utf8')
    }
  })

  it('in part, as a wildcard of one byte cuts it, is refused where that part is in use', () => {
    const cut = Buffer.from('é.x')
    assert.equal(refusal(mappingOf({ pattern: '?*.*', topic: '/{1}' }), cut), 'invalid_utf8')
    assert.equal(refusal(mappingOf({ pattern: '?*.*', topic: '/{2}' }), cut), 'invalid_utf8')
    const event = { pattern: '[^a]*.*', topic: '/t', event: '{1}' }
    assert.equal(refusal(mappingOf(event), cut), 'invalid_utf8')
    // The idiom for a star that is not empty.
    assert.equal(target(mappingOf({ pattern: '?*.*', topic: '/{3}' }), 'é.x').topic, '/x')
    assert.equal(target(mappingOf({ pattern: '?*', topic: '/{channel}' }), 'é.x').topic, '/é.x')
  })
})

describe('a channel that the pattern does not match', () => {
  it('is refused: its captures would be missing, and its topic another', () => {
    const mapping = mappingOf({ pattern: 'a.*', topic: '/t/{1}' })
    assert.equal(refusal(mapping, 'b.x'), 'invalid_topic')
    assert.equal(target(mapping, 'a.').topic, '/t')
  })
})

describe('the targets that are remembered', () => {
  // More than are remembered at a time.
  const CHANNELS = 10_000

  it('are right for each of many channels, however often they are forgotten', () => {
    const mapping = mappingOf({ pattern: 'c.*', topic: '/{1}', event: '{channel}' })
    for (let round = 0; round < 2; round++) {
      for (let number = 0; number < CHANNELS; number++) {
        const channel = `c.${number}`
        const { topic, event } = target(mapping, channel)
        if (topic !== `/${number}` || event !== channel) assert.fail(`${channel} → ${topic}`)
      }
    }
  })

  it('are made once for a channel, faults too, and forgotten when there are 4096 others', () => {
    const mapping = mappingOf({ pattern: '*', topic: '/{1}' })
    const good = Buffer.from('good')
    const first = mapping.targetOf(good)
    const fault = mapping.targetOf(Buffer.from('..'))
    for (let number = 0; number < 4094; number++) mapping.targetOf(Buffer.from(`${number}`))
    assert.equal(mapping.targetOf(Buffer.from('good')), first)
    assert.equal(mapping.targetOf(Buffer.from('..')), fault)
    mapping.targetOf(Buffer.from('one more'))
    const again = mapping.targetOf(good)
    assert.notEqual(again, first)
    assert.deepEqual(again, first)
  })

  it('do not change with the buffer that the channel came in', () => {
    const mapping = mappingOf({ pattern: '*', topic: '/{1}' })
    const buffer = Buffer.from('one')
    const first = mapping.targetOf(buffer)
    buffer.write('two')
    assert.deepEqual(first, { topic: '/one', event: undefined })
    assert.equal(target(mapping, 'one').topic, '/one')
    assert.equal(target(mapping, 'two').topic, '/two')
  })
})

describe('a subscription', () => {
  const good: readonly Subscription[] = [
    { channel: 'a', topic: '/t' },
    { channel: 'a', topic: '/t', event: 'e' },
    { channel: '*', topic: '{channel}', event: '{channel}' },
    { pattern: 'a', topic: '/' },
    { pattern: '*', topic: '{1}' },
    { pattern: '*'.repeat(9), topic: '{1}' },
    { pattern: '\\**', topic: '/{1}' },
    { pattern: '[*', topic: '/{1}' },
    { pattern: '*', topic: '/.{1}', event: ' ' },
    { pattern: '*', topic: `/${'s/'.repeat(15)}{1}` },
    { pattern: '*', topic: `/${'x'.repeat(510)}{1}`, event: `${'x'.repeat(255)}{1}` },
  ]
  for (const subscription of good) {
    it(`can be ${JSON.stringify(subscription).slice(0, 60)}`, () => {
      assert.equal(faultOfMapping(subscription), undefined)
    })
  }

  const bad: readonly [subscription: Subscription, why: RegExp][] = [
    [{ topic: '/t' }, /^it needs either channel or pattern$/],
    [{ channel: 'a', pattern: 'a', topic: '/t' }, /^it needs either channel or pattern$/],
    [{ pattern: '*', topic: '/{2}' }, /^topic: \{2\}, but the pattern has 1 wildcards$/],
    [{ pattern: '**', topic: '/{2}' }, /^topic: \{2\}/],
    [{ pattern: '\\*', topic: '/{1}' }, /^topic: \{1\}/],
    [{ channel: '*', topic: '/{1}' }, /^topic: \{1\}/],
    [{ pattern: '*', topic: '/{1}', event: '{2}' }, /^event: \{2\}/],
    [{ pattern: '*', topic: '/{0}' }, /^topic: \{0\} is neither/],
    [{ pattern: '*', topic: '/{01}' }, /^topic: \{01\} is neither/],
    [{ pattern: '*', topic: '/{}' }, /^topic: \{\} is neither/],
    [{ pattern: '*', topic: '/{ 1}' }, /^topic: \{ 1\} is neither/],
    [{ pattern: '*', topic: '/{Channel}' }, /^topic: \{Channel\} is neither/],
    [{ pattern: '*', topic: '/{channels}' }, /^topic: \{channels\} is neither/],
    [{ pattern: '*', topic: '/{1' }, /^topic: \{1 is neither/],
    [{ pattern: '*', topic: '/1}' }, /^topic: \} is neither/],
    [{ pattern: '*', topic: '/{{1}}' }, /^topic: \{\{1\} is neither/],
    [{ pattern: '*', topic: '/{1}}' }, /^topic: \} is neither/],
    [{ pattern: '*', topic: '/{1}', event: '{' }, /^event: \{ is neither/],
    [{ pattern: '*', topic: '/../{1}' }, /^topic: .*\. or \.\./],
    [{ pattern: '*', topic: '/a\n' }, /^topic: .*control character/],
    [{ pattern: '*', topic: '/\ud800' }, /^topic: .*not valid Unicode/],
    [{ pattern: '*', topic: '/t', event: 'a\nb' }, /^event: .*line end/],
    [{ pattern: '*', topic: `/${'s/'.repeat(16)}{1}` }, /^topic: .*17 segments/],
    [{ pattern: '*', topic: `/${'x'.repeat(511)}{1}` }, /^topic: .*513 bytes/],
    [{ pattern: '*', topic: '/t', event: `${'x'.repeat(256)}{1}` }, /^event: .*257 bytes/],
  ]
  for (const [subscription, why] of bad) {
    it(`cannot be ${JSON.stringify(subscription).slice(0, 60)}`, () => {
      assert.match(faultOfMapping(subscription) ?? '', why)
    })
  }

  it('that is found good makes a target or a fault of any channel, and never throws', () => {
    const piece = fc.constantFrom(
      'a',
      '.',
      '*',
      '?',
      '[',
      ']',
      '\\',
      '{',
      '}',
      '{1}',
      '{channel}',
      '/',
    )
    const text = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''))
    fc.assert(
      fc.property(text, text, text, fc.uint8Array(), (pattern, topic, event, bytes) => {
        const subscription = { pattern, topic, event }
        if (faultOfMapping(subscription) !== undefined) return
        const found = new Mapping(subscription).targetOf(Buffer.from(bytes))
        if (!(found instanceof Fault)) assert.match(found.topic, /^\//)
      }),
      { numRuns: 500 },
    )
  })
})
