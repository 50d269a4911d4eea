// The rows of the status: each shard's in pages, and all shards' as one list by time.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { StatusPart } from '../src/hub/message.ts'
import { mergeByTime } from '../src/ops/roster.ts'

/** A shard's rows, which name shard and place, cut into pages of these sizes. */
function pages(shard: number, times: readonly number[], sizes: readonly number[]): StatusPart[] {
  const parts: StatusPart[] = []
  let from = 0
  for (const size of [...sizes, times.length]) {
    const createdAt = times.slice(from, from + size)
    const rows = createdAt.map((time, index) => `${time}:${shard}:${from + index}`)
    from = Math.min(times.length, from + size)
    parts.push({ shard, createdAt, rows, last: from === times.length })
  }
  return parts
}

describe('rows of several shards', () => {
  it('are merged by time; those of one shard, or of one time, stay in order', () => {
    const times = fc.array(fc.nat({ max: 20 })).map((list) => list.sort((a, b) => a - b))
    const shard = fc.tuple(times, fc.array(fc.nat({ max: 3 }), { maxLength: 4 }))
    fc.assert(
      fc.property(fc.array(shard, { maxLength: 4 }), (shards) => {
        const parts = shards.map(([list, sizes], number) => pages(number, list, sizes))
        const rows = parts.flat().flatMap((part) => part.rows)
        const timeOf = (row: string): number => Number.parseInt(row, 10)
        // Stable, and shards come in order: the model of what the merge must give.
        const expected = rows.toSorted((one, other) => timeOf(one) - timeOf(other))
        assert.deepEqual([...mergeByTime(parts)], expected)
      }),
    )
  })

  it('are none where there is no shard, or only empty ones', () => {
    assert.deepEqual([...mergeByTime([])], [])
    assert.deepEqual([...mergeByTime([[], pages(1, [], [])])], [])
  })
})
