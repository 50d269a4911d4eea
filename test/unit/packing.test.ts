// The comparison of packed counts with single updates: what it takes for right and what it does
// not, for the acceptance tests are no better than it.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { align, EDGE_MS, type Pack, type Update } from '../kit/packing.ts'

const SPAN = { from: 0, to: 6000 }
const PERIOD_MS = 17
/** Not near the edges, where anything may be missing. */
const MIDDLE = { min: 2 * EDGE_MS, max: SPAN.to - 2 * EDGE_MS }

/** An update every `everyMs`, each of the next of these ids, and the packs that count them. */
function feed(ids: readonly string[], everyMs: number): { updates: Update[]; packs: Pack[] } {
  const updates: Update[] = []
  const packs: Pack[] = []
  let counts = new Map<string, number>()
  for (let at = 1; at < SPAN.to; at++) {
    if (at % everyMs === 0) {
      const id = ids[updates.length % ids.length] as string
      updates.push({ at, id })
      counts.set(id, (counts.get(id) ?? 0) + 1)
    }
    if (at % PERIOD_MS !== 0 || counts.size === 0) continue
    packs.push({ at, counts })
    counts = new Map()
  }
  return { updates, packs }
}

const ids = fc.array(fc.constantFrom('2665', '1F602', '1F680', '2764'), { minLength: 3 })
const everyMs = fc.integer({ min: 10, max: 40 })
const middle = fc.integer(MIDDLE)

function doubled({ at, counts }: Pack): Pack {
  return { at, counts: new Map([...counts].map(([id, count]) => [id, 2 * count])) }
}

describe('packs and updates', () => {
  it('align wherever each stream begins and ends within the edges', () => {
    // A pack is later than what it counts.
    const cut = fc.integer({ min: 0, max: EDGE_MS - PERIOD_MS })
    fc.assert(
      fc.property(ids, everyMs, fc.tuple(cut, cut, cut, cut), (list, every, cuts) => {
        const { updates, packs } = feed(list, every)
        const [a, b, c, d] = cuts
        const pieces = align(
          updates.filter(({ at }) => at > a && at < SPAN.to - b),
          packs.filter(({ at }) => at > c && at < SPAN.to - d),
          SPAN,
        )
        assert.ok(pieces !== undefined && pieces.length > 0, 'they do not align')
        for (const { pack, updates: own } of pieces) {
          const total = [...pack.counts.values()].reduce((sum, count) => sum + count)
          assert.equal(own.length, total)
        }
      }),
      { numRuns: 20 },
    )
  })

  it('do not align when one in the middle counts an id too often', () => {
    fc.assert(
      fc.property(everyMs, middle, (every, time) => {
        const { updates, packs } = feed(['2665', '1F602', '1F680'], every)
        const index = packs.findIndex(({ at }) => at > time)
        const pack = packs[index] as Pack
        packs[index] = { ...pack, counts: new Map([...pack.counts, ['2764', 1]]) }
        assert.equal(align(updates, packs, SPAN), undefined)
      }),
      { numRuns: 20 },
    )
  })

  it('do not align when an update in the middle is missing', () => {
    const list = Array.from({ length: 2000 }, (_, index) => index.toString(16))
    fc.assert(
      fc.property(everyMs, middle, (every, time) => {
        const { updates, packs } = feed(list, every)
        const index = updates.findIndex(({ at }) => at > time)
        assert.equal(align(updates.toSpliced(index, 1), packs, SPAN), undefined)
      }),
      { numRuns: 20 },
    )
  })

  it('do not align when all is counted twice, even where all is of one id', () => {
    const { updates, packs } = feed(['2665'], 5)
    assert.equal(align(updates, packs.map(doubled), SPAN), undefined)
  })

  it('do not align when one stream stops before the edge', () => {
    const { updates, packs } = feed(['2665', '1F602'], 5)
    const early = ({ at }: { readonly at: number }): boolean => at < SPAN.to / 3
    assert.equal(align(updates, packs.filter(early), SPAN), undefined)
    assert.equal(align(updates.filter(early), packs, SPAN), undefined)
  })
})
