// The feeder's emoji: that they are emoji, come as often as they were tweeted, and repeat by seed.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { EmojiDraw, glyph } from '../../scripts/feeder/emoji.ts'
import { seeded } from '../../scripts/feeder/random.ts'
import { ranking } from '../../scripts/feeder/ranking.ts'

describe('the ranking', () => {
  it('has each emoji once, most tweeted first', () => {
    assert.equal(ranking.length, 845)
    assert.equal(new Set(ranking.map(({ id }) => id)).size, ranking.length)
    const weights = ranking.map(({ weight }) => weight)
    assert.deepEqual(
      weights,
      weights.toSorted((a, b) => b - a),
    )
    assert.ok(weights.every((weight) => Number.isSafeInteger(weight) && weight > 0))
  })

  it('has ids that are emoji', () => {
    // A keycap, a flag, or one character that is an emoji, with or without a plain form.
    const emoji = /^([#*\d]\uFE0F\u20E3|\p{Regional_Indicator}{2}|\p{Emoji}\uFE0F?)$/u
    assert.deepEqual(
      ranking.filter(({ id }) => !/^[\dA-F]{4,5}(-[\dA-F]{4,5})?$/.test(id)),
      [],
    )
    assert.deepEqual(
      ranking.filter(({ id }) => !emoji.test(glyph(id))),
      [],
    )
  })
})

describe('an id', () => {
  it('is shown in its colourful form', () => {
    const shown = ['2665', '1F680', '1F1FA-1F1F8', '0031-20E3', '00A9'].map(glyph)
    assert.deepEqual(shown, ['♥\uFE0F', '🚀', '🇺🇸', '1\uFE0F\u20E3', '©\uFE0F'])
  })
})

describe('a draw', () => {
  it('follows the weights, down to the tail', () => {
    const draws = 1_000_000
    const draw = new EmojiDraw(seeded(1))
    const counts = new Map(ranking.map(({ id }) => [id, 0]))
    for (let n = 0; n < draws; n++) {
      const id = draw.next()
      counts.set(id, (counts.get(id) as number) + 1)
    }
    assert.equal(counts.size, ranking.length)
    const total = ranking.reduce((sum, { weight }) => sum + weight, 0)
    let chiSquare = 0
    for (const { id, weight } of ranking) {
      const expected = (draws * weight) / total
      chiSquare += ((counts.get(id) as number) - expected) ** 2 / expected
    }
    // Over 844 degrees of freedom it is 844 on average, with a standard deviation of 41.
    assert.ok(chiSquare > 844 - 4 * 41 && chiSquare < 844 + 4 * 41, `chi-square is ${chiSquare}`)
  })

  it('is exact where the weights are far apart, and takes a single emoji', () => {
    const ranked = [
      { id: 'A', weight: 997 },
      { id: 'B', weight: 2 },
      { id: 'C', weight: 1 },
    ]
    const draw = new EmojiDraw(seeded(7), ranked)
    const drawn = Array.from({ length: 100_000 }, () => draw.next())
    const countOf = (id: string): number => drawn.filter((other) => other === id).length
    assert.ok(Math.abs(countOf('B') - 200) < 60, `${countOf('B')} of B`)
    assert.ok(Math.abs(countOf('C') - 100) < 40, `${countOf('C')} of C`)
    const single = new EmojiDraw(seeded(7), [{ id: 'A', weight: 5 }])
    assert.deepEqual(new Set([single.next(), single.next(), single.next()]), new Set(['A']))
  })

  it('repeats by seed, and differs between seeds', () => {
    const drawn = (seed: number): string[] => {
      const draw = new EmojiDraw(seeded(seed))
      return Array.from({ length: 50 }, () => draw.next())
    }
    assert.deepEqual(drawn(3), drawn(3))
    assert.notDeepEqual(drawn(3), drawn(4))
    assert.notDeepEqual(drawn(3), drawn(3 + 2 ** 32))
  })
})
