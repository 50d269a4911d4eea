// make bench-compare names a change and not noise, and says what is wrong with a file.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Results } from '../../bench/result.ts'
import { type Comparison, compare, type Verdict } from '../../bench/verdict.ts'
import { measure, resultsOf, type Sketch, type SketchOptions } from '../kit/results.ts'

const OURS: Sketch = { server: 'carillon', p99Ms: 10, cpuUs: 6 }
const FLOOR: Sketch = { server: 'floor', p99Ms: 8, cpuUs: 5 }
const CPU = 'server CPU per delivery, µs'

function run(sketches: readonly Sketch[], options: SketchOptions = {}): Results {
  return resultsOf(measure(sketches, options))
}

function of(comparison: Comparison, outcome: Verdict['outcome']): string[] {
  return comparison.verdicts.filter((one) => one.outcome === outcome).map((one) => one.figure)
}

function reasonOf(comparison: Comparison, figure: string): string | undefined {
  return comparison.verdicts.find((one) => one.figure === figure)?.reason
}

describe('the rule', () => {
  it('names a change beyond the spread of the rounds, in the right direction', () => {
    const base = run([OURS], { noise: 0.03, seed: 1 })
    const slower = run([{ ...OURS, cpuUs: 8, p99Ms: 6, deliveries: 40_000 }], {
      noise: 0.03,
      seed: 2,
    })
    const comparison = compare(base, slower)
    assert.deepEqual(of(comparison, 'worse'), ['deliveries/s', CPU])
    const latencies = ['p50', 'p97.5', 'p99', 'p99.9'].map((name) => `latency ${name}, ms`)
    assert.deepEqual(of(comparison, 'improved'), latencies)
    assert.deepEqual(of(compare(slower, base), 'improved'), ['deliveries/s', CPU])
  })

  it('keeps quiet about noise: at most one of 200 figures, each run otherwise noisy', () => {
    let named = 0
    for (let seed = 0; seed < 200; seed++) {
      const [base, fresh] = [seed * 2, seed * 2 + 1].map((one) =>
        run([OURS], { rounds: 3, noise: 0.25, seed: one }),
      ) as [Results, Results]
      const { verdicts } = compare(base, fresh)
      named += verdicts.some(({ figure, outcome }) => figure === CPU && outcome !== 'unchanged')
        ? 1
        : 0
    }
    assert.ok(named <= 1, `${named} of 200`)
  })

  it('sees smaller changes with more rounds', () => {
    const changed = { ...OURS, cpuUs: OURS.cpuUs * 1.15 }
    const worse = (rounds: number): boolean =>
      of(
        compare(
          run([OURS], { rounds, noise: 0.08, seed: 5 }),
          run([changed], { rounds, noise: 0.08, seed: 6 }),
        ),
        'worse',
      ).includes(CPU)
    assert.equal(worse(3), false)
    assert.equal(worse(20), true)
  })

  it('does not name a change below the margin, however sure', () => {
    const fresh = run([{ ...OURS, cpuUs: OURS.cpuUs * 1.04 }])
    assert.deepEqual(of(compare(run([OURS]), fresh), 'worse'), [])
  })

  it('goes by the floor of the same round, so that a slower machine is no change', () => {
    const slowness = [1.4, 1.6, 1.5, 1.7, 1.3]
    const base = run([OURS, FLOOR], { noise: 0.02, seed: 1 })
    const comparison = compare(base, run([OURS, FLOOR], { noise: 0.02, slowness, seed: 2 }))
    assert.deepEqual(of(comparison, 'worse'), [])
    assert.match(reasonOf(comparison, CPU) ?? '', /ratio to the floor/)
    const really = { ...OURS, cpuUs: OURS.cpuUs * 1.3 }
    const changed = compare(base, run([really, FLOOR], { noise: 0.02, slowness, seed: 2 }))
    assert.deepEqual(of(changed, 'worse'), [CPU])
  })

  it('does not go by the latency of a floor past its limit', () => {
    const flooded: Sketch = { ...FLOOR, limit: 'server' }
    const comparison = compare(run([OURS, flooded]), run([OURS, { ...flooded, p99Ms: 900 }]))
    assert.deepEqual(of(comparison, 'improved'), [])
    assert.match(reasonOf(comparison, 'latency p99, ms') ?? '', /the figure itself/)
  })

  it('takes a wider, fixed margin where there are fewer than three rounds', () => {
    const base = run([OURS], { rounds: 1 })
    const by = (factor: number): Comparison =>
      compare(base, run([{ ...OURS, cpuUs: OURS.cpuUs * factor }], { rounds: 5 }))
    assert.deepEqual(of(by(1.15), 'worse'), [])
    assert.deepEqual(of(by(1.25), 'worse'), [CPU])
    assert.match(reasonOf(by(1.25), CPU) ?? '', /fixed margin, too few rounds/)
  })

  it('calls any further loss worse, and any less improved', () => {
    const lossy = run([{ ...OURS, lost: 1 }])
    assert.deepEqual(of(compare(run([OURS]), lossy), 'worse'), ['lost'])
    assert.deepEqual(of(compare(lossy, run([OURS])), 'improved'), ['lost'])
    assert.deepEqual(of(compare(lossy, lossy), 'worse'), [])
  })

  it('judges neither latency nor loss of a server that is behind, but that it is', () => {
    const lossy = run([{ ...OURS, lost: 1 }])
    const behind = run([{ ...OURS, behind: 4000, p99Ms: 5 }])
    const comparison = compare(lossy, behind)
    assert.deepEqual(of(comparison, 'worse'), ['rounds behind'])
    assert.deepEqual(of(comparison, 'improved'), [])
    assert.match(reasonOf(comparison, 'latency p99, ms') ?? '', /it was behind/)
    assert.deepEqual(of(compare(behind, lossy), 'improved'), ['rounds behind'])
  })

  it('judges no speed where the load client was the limit, but memory', () => {
    const limited: Sketch = { ...OURS, limit: 'load client', kibibytes: 2 }
    const fresh: Sketch = { ...limited, cpuUs: 12, kibibytes: 3 }
    const comparison = compare(run([limited]), run([fresh]))
    assert.deepEqual(of(comparison, 'worse'), ['memory per subscriber, KiB'])
    assert.ok(of(comparison, 'not judged').includes(CPU))
  })

  it('judges no absolute times of two machines, and says how they differ', () => {
    const other = { ...resultsOf([]).machine, cpu: 'Another CPU', node: '22.1.0' }
    const slower: Sketch = { ...OURS, cpuUs: 12, kibibytes: 3 }
    const base = run([{ ...OURS, kibibytes: 2 }])
    const comparison = compare(base, { ...run([slower]), machine: other })
    assert.deepEqual(of(comparison, 'worse'), ['memory per subscriber, KiB'])
    assert.ok(of(comparison, 'not judged').includes(CPU))
    assert.deepEqual(comparison.surroundings, [
      'cpu: Example CPU at 3 GHz → Another CPU',
      'node: 20.20.2 → 22.1.0',
    ])
    const withFloor = compare(run([OURS, FLOOR]), { ...run([slower, FLOOR]), machine: other })
    assert.ok(of(withFloor, 'worse').includes(CPU), 'the floor of each machine is there to go by')
  })

  it('compares equal loads, however written, and names what only one has', () => {
    const base = run([OURS], { load: { subscribers: 10, eventBytes: 5 } })
    const same = run([OURS], { load: { eventBytes: 5, subscribers: 10 } })
    assert.deepEqual(compare(base, same).onlyBase, [])
    const other = compare(base, run([OURS], { case: 'storm', load: { subscribers: 9000 } }))
    assert.deepEqual(other.onlyBase, ['fan-out: 10 subscribers, 5 event bytes'])
    assert.deepEqual(other.onlyFresh, ['storm: 9,000 subscribers'])
    assert.deepEqual(other.verdicts, [])
  })
})

describe('the command', () => {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-compare-'))
  after(() => rmSync(folder, { recursive: true, force: true }))

  function file(name: string, content: unknown): string {
    const path = join(folder, name)
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
    return path
  }

  function command(...args: string[]): { status: number | null; stdout: string; stderr: string } {
    const script = fileURLToPath(new URL('../../bench/compare.ts', import.meta.url))
    const argv = ['--import', 'tsx', script, ...args]
    return spawnSync(process.execPath, argv, { encoding: 'utf8' })
  }

  const base = file('base.json', run([OURS, FLOOR]))

  it('ends with 1 and says what is worse', () => {
    const worse = file('worse.json', run([{ ...OURS, cpuUs: 9 }, FLOOR]))
    const { status, stdout } = command(base, worse)
    assert.equal(status, 1)
    assert.match(stdout, /Worse:\nfan-out: 1,000 subscribers, 50 events per second/)
    assert.match(stdout, /server CPU per delivery, µs: 6 → 9, judged \+50\.0 % beyond ±5\.0 %/)
    assert.match(stdout, /1 worse, 0 improved, \d+ unchanged/)
  })

  it('ends with 0 where nothing is worse', () => {
    const { status, stdout } = command(base, base)
    assert.equal(status, 0)
    assert.match(stdout, /0 worse, 0 improved/)
  })

  it('ends with 2 and names what is wrong with a file', () => {
    const measurement = { ...run([OURS]).measurements[0], round: -1 }
    const bad: [name: string, content: unknown, message: RegExp][] = [
      ['text.json', 'no JSON', /text\.json: .*not valid JSON/],
      ['other.json', { name: 'carillon' }, /no results of the benchmark: schema/],
      ['later.json', { ...run([OURS]), schema: 2 }, /schema: .*Expected 1/],
      ['round.json', { ...run([OURS]), measurements: [measurement] }, /measurements\.0\.round: /],
      ['empty.json', { ...run([OURS]), measurements: [] }, /measurements: /],
    ]
    for (const [name, content, message] of bad) {
      const { status, stderr } = command(base, file(name, content))
      assert.equal(status, 2, name)
      assert.match(stderr, message)
      assert.equal(stderr.trim().split('\n').length, 1, 'one line, no stack')
    }
    assert.match(command(join(folder, 'none.json')).stderr, /none\.json: .*no such file/)
    assert.match(command().stderr, /make bench-compare BASE=file/)
  })

  it('ends with 2 where there is nothing to compare', () => {
    const storm = file('storm.json', run([OURS], { case: 'storm' }))
    const { status, stderr } = command(base, storm)
    assert.equal(status, 2)
    assert.match(stderr, /no case and load in common/)
  })
})
