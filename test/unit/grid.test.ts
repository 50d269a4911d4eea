// The timer of a rollup, with a clock that tests move: it keeps to its grid of periods, however late
// or early timers fire, and an idle one has no timer at all.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Grid, systemClock } from '../../src/rollup/grid.ts'
import { FakeClock } from '../kit/clock.ts'

const PERIOD_MS = 17
/** Not 0, so that a time and the time since the start are not the same. */
const START_MS = 1000.5

interface Bench {
  readonly clock: FakeClock
  readonly grid: Grid
  /** The times of all runs since the start, in ms. */
  readonly runs: number[]
}

/** @param always asks again in every run, as a rollup with events all the time does */
function start(lateMs: () => number = () => 0, always = false): Bench {
  const clock = new FakeClock(START_MS, lateMs)
  const runs: number[] = []
  const run = (): void => {
    runs.push(clock.now() - START_MS)
    if (always) grid.request()
  }
  const grid = new Grid(PERIOD_MS, run, clock)
  return { clock, grid, runs }
}

describe('a grid', () => {
  it('that nobody asks has no timer, and does nothing', () => {
    const { clock, grid, runs } = start()
    assert.equal(clock.waiting, 0)
    clock.pass(10_000)
    assert.deepEqual(runs, [])
    grid.request()
    clock.pass(10_000)
    assert.equal(clock.waiting, 0, 'after a run it sleeps again')
    assert.equal(runs.length, 1)
    assert.equal(clock.dues.length, 1)
  })

  it('runs once at the end of a period, however often it was asked in it', () => {
    const { clock, grid, runs } = start()
    for (let ms = 0; ms < 16; ms++) {
      grid.request()
      clock.pass(1)
      assert.equal(clock.waiting, 1)
    }
    assert.deepEqual(runs, [])
    clock.pass(1)
    assert.deepEqual(runs, [17])
    assert.equal(clock.dues.length, 1)
  })

  it('keeps to its periods after a pause, whose length is no multiple of them', () => {
    const { clock, grid, runs } = start()
    clock.pass(100)
    grid.request()
    clock.pass(2)
    assert.deepEqual(runs, [102])
    clock.pass(998)
    grid.request()
    clock.pass(20)
    assert.deepEqual(runs, [102, 1105])
  })

  it('asked at the very end of a period runs then, but not a second time', () => {
    const { clock, grid, runs } = start()
    clock.pass(34)
    grid.request()
    clock.pass(0)
    grid.request()
    clock.pass(16)
    assert.deepEqual(runs, [34])
    clock.pass(1)
    assert.deepEqual(runs, [34, 51])
  })

  it('does not drift in 10,000 periods with timers that are a little late', () => {
    let timer = 0
    const { clock, grid, runs } = start(() => (timer++ % 16) / 4, true)
    grid.request()
    clock.pass(10_000 * PERIOD_MS + 4)
    assert.equal(runs.length, 10_000)
    for (const [index, at] of runs.entries()) {
      const lateMs = at - (index + 1) * PERIOD_MS
      if (lateMs < 0 || lateMs >= 4) assert.fail(`run ${index} is ${lateMs} ms late`)
    }
  })

  it('runs once a period with timers that are a little early, not twice', () => {
    const { clock, grid, runs } = start(() => -0.75, true)
    grid.request()
    clock.pass(10_000 * PERIOD_MS)
    assert.equal(runs.length, 10_000)
    assert.deepEqual(runs.slice(0, 3), [16.25, 33.25, 50.25])
    assert.equal(runs.at(-1), 10_000 * PERIOD_MS - 0.75)
  })

  it('leaves out the periods that a late timer missed, and does not catch up on them', () => {
    const { clock, grid, runs } = start(() => 30, true)
    grid.request()
    clock.pass(200)
    assert.deepEqual(runs, [47, 81, 115, 149, 183])
    const dues = clock.dues.map((due) => due - START_MS)
    assert.deepEqual(dues, [17, 51, 85, 119, 153, 187])
  })

  it('that is cancelled does not run, and can be asked again', () => {
    const { clock, grid, runs } = start()
    grid.cancel()
    grid.request()
    grid.cancel()
    grid.cancel()
    assert.equal(clock.waiting, 0)
    clock.pass(100)
    assert.deepEqual(runs, [])
    grid.request()
    clock.pass(17)
    assert.deepEqual(runs, [102])
  })

  it('asked at any times, with timers early or late: each is due at the next end not yet used', () => {
    // Quarters, which floating point adds without an error.
    const quarters = (min: number, max: number): fc.Arbitrary<number> =>
      fc.integer({ min: min * 4, max: max * 4 }).map((count) => count / 4)
    const step = fc.record({ passMs: quarters(0, 40), asks: fc.boolean() })
    const lates = fc.array(quarters(-1, 40), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), lates, (steps, lateness) => {
        let timer = 0
        const { clock, grid, runs } = start(() => lateness[timer++ % lateness.length] as number)
        const dues: number[] = []
        let lastDue = START_MS
        for (const { passMs, asks } of steps) {
          clock.pass(passMs)
          if (!asks) continue
          if (clock.waiting === 0) {
            do lastDue += PERIOD_MS
            while (lastDue < clock.now())
            dues.push(lastDue)
          }
          grid.request()
          assert.equal(clock.waiting, 1)
        }
        assert.deepEqual(clock.dues, dues)
        clock.pass(100)
        assert.equal(runs.length, dues.length, 'what was asked for has come')
      }),
      { numRuns: 300 },
    )
  })
})

describe('the clock of the system', () => {
  it('goes on', () => {
    const before = systemClock.now()
    assert.ok(systemClock.now() >= before)
  })

  it('calls once after the time, and not at all where that was cancelled', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const calls: string[] = []
    systemClock.after(10, () => calls.push('kept'))
    const cancel = systemClock.after(10, () => calls.push('cancelled'))
    t.mock.timers.tick(9)
    assert.deepEqual(calls, [])
    cancel()
    t.mock.timers.tick(100)
    assert.deepEqual(calls, ['kept'])
  })
})
