// The options that are lists of objects: what an item may be, and what is said of one that cannot be
// used.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { presets } from '../../src/config/preset.ts'
import { faultOfRollup, faultOfSubscription } from '../../src/config/record.ts'
import { JsonPointer } from '../../src/rollup/pointer.ts'

const rule = { from: '/a', to: '/b', everyMs: 17 }
const subscription = { channel: 'c', topic: '/t' }

describe('a rule of a rollup', () => {
  const good: readonly object[] = [
    rule,
    { ...rule, from: '/' },
    { ...rule, to: '/' },
    { ...rule, to: '/a' },
    { ...rule, everyMs: 1 },
    { ...rule, everyMs: 3_600_000 },
    ...['', '/', '//', '/a', '/a/0', '/a~0b~1c', '/~01', '/ä "\\', '/\n'].map((key) => ({
      ...rule,
      key,
    })),
  ]
  for (const item of good) {
    it(`can be ${JSON.stringify(item)}`, () => assert.equal(faultOfRollup(item), undefined))
  }

  const bad: readonly [item: unknown, why: RegExp][] = [
    [null, /./],
    [undefined, /./],
    ['/a', /./],
    [[], /./],
    [{}, /^from: /],
    [{ ...rule, from: undefined }, /^from: /],
    [{ ...rule, to: 1 }, /^to: /],
    [{ ...rule, from: '' }, /^from: it is empty$/],
    [{ ...rule, from: 'a' }, /^from: write it as \/a$/],
    [{ ...rule, to: '/b/' }, /^to: write it as \/b$/],
    [{ ...rule, to: '//' }, /^to: write it as \/$/],
    [{ ...rule, from: '/../a' }, /^from: the topic has a segment that is \. or \.\.$/],
    [{ ...rule, from: '/s'.repeat(17) }, /^from: .*17 segments/],
    [{ ...rule, to: `/${'x'.repeat(512)}` }, /^to: .*513 bytes/],
    [{ ...rule, everyMs: 0 }, /^everyMs: /],
    [{ ...rule, everyMs: -1 }, /^everyMs: /],
    [{ ...rule, everyMs: 3_600_001 }, /^everyMs: /],
    [{ ...rule, everyMs: 16.7 }, /^everyMs: /],
    [{ ...rule, everyMs: '17' }, /^everyMs: /],
    [{ ...rule, everyMs: Number.NaN }, /^everyMs: /],
    [{ ...rule, key: 'a' }, /^key: it is no JSON pointer$/],
    [{ ...rule, key: '/~' }, /^key: it is no JSON pointer$/],
    [{ ...rule, key: '/~2' }, /^key: it is no JSON pointer$/],
    [{ ...rule, key: '/a~' }, /^key: it is no JSON pointer$/],
    [{ ...rule, key: null }, /^key: /],
    [{ ...rule, every: 17 }, /^every: /],
    [{ ...rule, __proto__: null, other: 1 }, /^other: /],
  ]
  for (const [item, why] of bad) {
    it(`cannot be ${JSON.stringify(item)}`, () => assert.match(faultOfRollup(item) ?? '', why))
  }

  it('takes as a key what is a JSON pointer: its steps are what it was made of', () => {
    const steps = fc.array(fc.string({ unit: fc.constantFrom('~', '/', '0', '1', 'a', '\n') }))
    fc.assert(
      fc.property(steps, (names) => {
        const key = names
          .map((name) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`)
          .join('')
        assert.equal(faultOfRollup({ ...rule, key }), undefined)
        const document = names.reduceRight<unknown>((inner, name) => ({ [name]: inner }), 'there')
        assert.equal(new JsonPointer(key).read(document), 'there')
      }),
    )
  })
})

describe('a subscription in a configuration', () => {
  const bad: readonly [item: unknown, why: RegExp][] = [
    [null, /./],
    ['c', /./],
    [{ topic: '/t' }, /^it needs either channel or pattern$/],
    [{ ...subscription, pattern: '*' }, /^it needs either channel or pattern$/],
    [{ channel: 'c' }, /^topic: /],
    [{ ...subscription, channel: '' }, /^channel: it is empty$/],
    [{ pattern: '', topic: '/t' }, /^pattern: it is empty$/],
    [{ ...subscription, topic: '' }, /^topic: it is empty$/],
    [{ ...subscription, event: '' }, /^event: it is empty$/],
    [{ ...subscription, event: 1 }, /^event: /],
    [{ ...subscription, channel: ['c'] }, /^channel: /],
    [{ ...subscription, chanel: 'c' }, /^chanel: /],
    [{ ...subscription, topic: '/{1}' }, /^topic: \{1\}, but the pattern has 0 wildcards$/],
  ]
  for (const [item, why] of bad) {
    it(`cannot be ${JSON.stringify(item)}`, () => {
      assert.match(faultOfSubscription(item) ?? '', why)
    })
  }

  it('can have an event name or none', () => {
    assert.equal(faultOfSubscription(subscription), undefined)
    assert.equal(
      faultOfSubscription({ pattern: '*', topic: '/{1}', event: '{channel}' }),
      undefined,
    )
  })
})

describe("the emojitracker preset's lists", () => {
  const stages: readonly [env: NodeJS.ProcessEnv, reportSeconds: number | undefined][] = [
    [{}, undefined],
    [{ NODE_ENV: 'development' }, undefined],
    [{ NODE_ENV: 'test' }, undefined],
    [{ NODE_ENV: 'staging' }, 5],
    [{ NODE_ENV: 'Production' }, 5],
    [{ GO_ENV: 'production' }, 5],
    [{ NODE_ENV: '', GO_ENV: 'staging' }, 5],
    [{ NODE_ENV: 'development', GO_ENV: 'production' }, undefined],
  ]
  const often = (seconds?: number): string =>
    seconds === undefined ? 'never' : `every ${seconds} s`
  for (const [env, seconds] of stages) {
    it(`are good, and the status is reported ${often(seconds)} for ${JSON.stringify(env)}`, () => {
      const {
        redisSubscriptions = [],
        rollups = [],
        statusReportSeconds,
      } = presets.emojitracker(env)
      assert.deepEqual([redisSubscriptions.length, rollups.length], [2, 1])
      for (const item of redisSubscriptions) assert.equal(faultOfSubscription(item), undefined)
      for (const item of rollups) assert.equal(faultOfRollup(item), undefined)
      assert.equal(statusReportSeconds, seconds)
    })
  }
})
