// The feeder's tweets: their form, their sizes, and that what is hard to carry is among them.
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { EmojiDraw, glyph } from '../../scripts/feeder/emoji.ts'
import { seeded } from '../../scripts/feeder/random.ts'
import {
  TEXT_LENGTH_MAX,
  TEXT_LENGTH_MIN,
  type Tweet,
  TweetMaker,
} from '../../scripts/feeder/tweet.ts'

const NOW_MS = Date.parse('2020-06-16T16:50:47.123Z')

interface Made {
  readonly emoji: string
  readonly json: string
  readonly tweet: Tweet
}

function made(count: number, seed = 1): Made[] {
  const random = seeded(seed)
  const draw = new EmojiDraw(random)
  const maker = new TweetMaker(random)
  return Array.from({ length: count }, (_, index) => {
    const emoji = draw.next()
    const json = JSON.stringify(maker.next(emoji, NOW_MS + index))
    return { emoji, json, tweet: JSON.parse(json) }
  })
}

describe('tweets', () => {
  let tweets: Made[]

  before(() => {
    tweets = made(5_000)
  })

  it('have the fields of the Emojitracker Streaming API', () => {
    for (const { tweet } of tweets) {
      assert.deepEqual(Object.keys(tweet), [
        'id',
        'text',
        'screen_name',
        'name',
        'links',
        'profile_image_url',
        'created_at',
      ])
      assert.match(tweet.id, /^\d{15,20}$/)
      assert.match(tweet.screen_name, /^[A-Za-z0-9_]{4,15}$/)
      assert.notEqual(tweet.name, '')
      assert.ok(tweet.links.every((link) => /^https:\/\/t\.co\/\w{10}$/.test(link)))
      assert.ok(tweet.links.every((link) => tweet.text.includes(link)))
      assert.ok(URL.canParse(tweet.profile_image_url))
      assert.match(tweet.created_at, /^2020-06-16T16:50:\d\d\+00:00$/)
      assert.equal(Date.parse(tweet.created_at) % 1000, 0)
    }
  })

  it('contain their emoji', () => {
    for (const { emoji, tweet } of tweets) assert.ok(tweet.text.includes(glyph(emoji)), tweet.text)
  })

  it('have ids of their time, ascending', () => {
    const ids = tweets.map(({ tweet }) => BigInt(tweet.id))
    assert.ok(ids.every((id, index) => index === 0 || id > (ids[index - 1] as bigint)))
    // The upper bits of a snowflake are its time, since 2010-11-04T01:42:54.657Z.
    assert.equal(Number((ids[0] as bigint) >> 22n) + 1_288_834_974_657, NOW_MS)
  })

  it('have the sizes of tweets', () => {
    const lengths = tweets.map(({ tweet }) => tweet.text.length)
    assert.ok(Math.min(...lengths) >= TEXT_LENGTH_MIN)
    assert.ok(Math.max(...lengths) <= TEXT_LENGTH_MAX)
    assert.ok(Math.min(...lengths) < 30 && Math.max(...lengths) > 250, 'short and long ones')
    const bytes = tweets.map(({ json }) => Buffer.byteLength(json))
    assert.ok(Math.min(...bytes) >= 240, `${Math.min(...bytes)} bytes`)
    assert.ok(Math.max(...bytes) <= 700, `${Math.max(...bytes)} bytes`)
    const mean = bytes.reduce((sum, size) => sum + size) / bytes.length
    assert.ok(mean > 300 && mean < 450, `${mean} bytes on average`)
  })

  const variety = {
    'Latin with accents': /[à-öø-ÿ]/,
    Japanese: /\p{Script=Hiragana}/u,
    Korean: /\p{Script=Hangul}/u,
    Chinese: /\p{Script=Han}/u,
    Arabic: /\p{Script=Arabic}/u,
    Hebrew: /\p{Script=Hebrew}/u,
    Cyrillic: /\p{Script=Cyrillic}/u,
    Greek: /\p{Script=Greek}/u,
    Thai: /\p{Script=Thai}/u,
    Devanagari: /\p{Script=Devanagari}/u,
    'joined emoji': /\p{Emoji}\uFE0F?\u200D\p{Emoji}/u,
    'skin tones': /\p{Emoji_Modifier_Base}\p{Emoji_Modifier}/u,
    flags: /\p{Regional_Indicator}{2}/u,
    keycaps: /\d\uFE0F\u20E3/,
    'ends of lines': /\n/,
    'empty lines': /\n\n/,
    'LINE SEPARATOR': /\u2028/,
    hashtags: /(^|\s)#\p{L}/u,
    mentions: /^@\w/,
    links: /https:\/\/t\.co\//,
    quotes: /"/,
    backslashes: /\\/,
    markup: /<b>/,
  }
  for (const [what, pattern] of Object.entries(variety)) {
    it(`have ${what} among them`, () => {
      const count = tweets.filter(({ tweet }) => pattern.test(tweet.text)).length
      assert.ok(count >= 5 && count < tweets.length, `${count} of ${tweets.length}`)
    })
  }

  it('hold no line end outside of an escape', () => {
    assert.ok(tweets.every(({ json }) => !/[\r\n]/.test(json)))
  })

  it('repeat by seed, and differ between seeds', () => {
    assert.deepEqual(made(20, 5), made(20, 5))
    assert.notDeepEqual(made(20, 5), made(20, 6))
  })
})
