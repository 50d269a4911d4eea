// The feeder's schedule, by an injected clock: exact over time, late ticks, the bound on arrears.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Schedule } from '../../scripts/feeder/schedule.ts'

const ALL = Number.POSITIVE_INFINITY

describe('a schedule', () => {
  it('hands out the rate, however its ticks fall', () => {
    const schedule = new Schedule(333, 1_000)
    const ticks = [1_000, 1_004, 1_010, 1_011, 1_500, 1_999.9, 2_000, 2_700, 3_000]
    const taken = ticks.map((nowMs) => schedule.take(nowMs, ALL))
    assert.deepEqual(taken, [0, 1, 2, 0, 163, 166, 1, 233, 100])
    assert.equal(schedule.missed, 0)
  })

  it('ends with exactly rate times seconds', () => {
    const schedule = new Schedule(250, 0, 2)
    let taken = 0
    for (let nowMs = 0; !schedule.isOver; nowMs += 7.3) taken += schedule.take(nowMs, ALL)
    assert.equal(taken, 500)
    assert.equal(schedule.take(99_999, ALL), 0)
    assert.equal(schedule.missed, 0)
  })

  it('catches up with one second at most', () => {
    const schedule = new Schedule(100, 0)
    assert.equal(schedule.take(1_000, ALL), 100)
    assert.equal(schedule.take(61_000, ALL), 100)
    assert.equal(schedule.missed, 5_900)
    assert.equal(schedule.take(61_010, ALL), 1)
  })

  it('keeps due what there was no room for', () => {
    const schedule = new Schedule(1_000, 0)
    assert.equal(schedule.take(500, 200), 200)
    assert.equal(schedule.take(500, 0), 0)
    assert.equal(schedule.take(500, 200), 200)
    assert.equal(schedule.take(600, 999), 200)
    assert.equal(schedule.missed, 0)
  })

  it('says when the next one is due', () => {
    const schedule = new Schedule(2, 10_000)
    assert.equal(schedule.waitMs(10_000), 500)
    assert.equal(schedule.waitMs(10_400), 100)
    schedule.take(10_500, ALL)
    assert.equal(schedule.waitMs(10_500), 500)
    assert.ok(schedule.waitMs(11_200) < 0)
  })
})
