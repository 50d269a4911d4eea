// A cut of a list: how a query asks for it, up to each of its limits, and that the first rows of many
// are those that a sort of all would give.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  First,
  LISTING_OFFSET_MAX,
  LISTING_ROWS_MAX,
  LISTING_TEXT_LENGTH_MAX,
  type ListingSpec,
  orderOf,
  parseListing,
} from '../../src/ops/listing.ts'

const spec: ListingSpec<'age' | 'name'> = { sorts: ['age', 'name'], order: 'desc' }

describe('the query of a list', () => {
  it('has a default for everything', () => {
    assert.deepEqual(parseListing('', spec), {
      text: '',
      sort: 'age',
      isDescending: true,
      offset: 0,
      limit: 50,
    })
  })

  it('says what to look for, in which order, and which rows', () => {
    const query = 'q=F%C3%BCr+Elise&sort=name&order=asc&offset=100&limit=25'
    assert.deepEqual(parseListing(query, spec), {
      text: 'für elise',
      sort: 'name',
      isDescending: false,
      offset: 100,
      limit: 25,
    })
  })

  const edges: readonly [query: string, isTaken: boolean][] = [
    ['limit=1', true],
    ['limit=0', false],
    [`limit=${LISTING_ROWS_MAX}`, true],
    [`limit=${LISTING_ROWS_MAX + 1}`, false],
    [`offset=${LISTING_OFFSET_MAX}`, true],
    [`offset=${LISTING_OFFSET_MAX + 1}`, false],
    [`q=${'x'.repeat(LISTING_TEXT_LENGTH_MAX)}`, true],
    [`q=${'x'.repeat(LISTING_TEXT_LENGTH_MAX + 1)}`, false],
    ['limit=-1', false],
    ['limit=1.5', false],
    ['limit=', false],
    ['limit=1e1', false],
    ['offset=+1', false],
    ['order=up', false],
    ['sort=', false],
    ['sort=toString', false],
    ['q=a&q=b', false],
    ['page=2', false],
    ['access_token=x', false],
  ]
  for (const [query, isTaken] of edges) {
    it(`${query.slice(0, 24)} (${query.length}) is ${isTaken ? 'taken' : 'refused'}`, () => {
      assert.equal(typeof parseListing(query, spec), isTaken ? 'object' : 'string')
    })
  }
})

describe('the first rows of many', () => {
  it('are those of a sort of all, ties by the second order', () => {
    const row = fc.record({ key: fc.nat({ max: 5 }), tie: fc.nat({ max: 1000 }) })
    const cases = fc.tuple(fc.array(row, { maxLength: 60 }), fc.integer({ min: 1, max: 9 }))
    fc.assert(
      fc.property(cases, fc.boolean(), ([rows, wanted], isDescending) => {
        const order = orderOf<(typeof rows)[number]>(
          ({ key }) => key,
          isDescending,
          (one, other) => one.tie - other.tie,
        )
        const first = new First(wanted, order)
        for (const one of rows) first.add(one)
        const sign = isDescending ? -1 : 1
        const model = rows.toSorted((a, b) => sign * (a.key - b.key) || a.tie - b.tie)
        assert.deepEqual(first.rows, model.slice(0, wanted))
      }),
    )
  })

  it('cost one comparison for most of a list that is in order', () => {
    let comparisons = 0
    const first = new First<number>(10, (one, other) => {
      comparisons++
      return one - other
    })
    for (let row = 0; row < 10_000; row++) first.add(row)
    assert.equal(first.rows.length, 10)
    assert.ok(comparisons < 10_500, `${comparisons}`)
  })
})
