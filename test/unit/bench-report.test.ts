// What a benchmark run writes: the tables, the plots, and the files they are in.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, describe, it } from 'node:test'
import { newestResults, readResults } from '../../bench/archive.ts'
import { describeCommit, describeMachine, versionsOf } from '../../bench/machine.ts'
import { latencyPlot, throughputPlot } from '../../bench/plot.ts'
import { writeResults } from '../../bench/report.ts'
import type { Measurement } from '../../bench/result.ts'
import { markdownOf } from '../../bench/table.ts'
import { measure, resultsOf } from '../kit/results.ts'

const folders: string[] = []
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-bench-'))
  folders.push(folder)
  return folder
}

const SERVERS = [
  { server: 'nchan', p99Ms: 20, cpuUs: 10 },
  { server: 'carillon', p99Ms: 10, cpuUs: 6 },
  { server: 'floor', p99Ms: 8, cpuUs: 5 },
]

/** One case at several loads. */
function sweep(axis: string, values: readonly number[]): Measurement[] {
  const fixed = { subscribers: 1000, eventsPerSecond: 50, eventBytes: 150 }
  return values.flatMap((value) => measure(SERVERS, { load: { ...fixed, [axis]: value } }))
}

/** The cells of the first row with this title. */
function cellsOf(page: string, title: string): string[] {
  const line = page.split('\n').find((one) => one.startsWith(`| ${title} |`))
  assert.ok(line, `no row ${title} in\n${page}`)
  return line.split(' | ').map((cell) => cell.replace(/^\||\|$/g, '').trim())
}

describe('the page', () => {
  it('says what was measured, where and when', () => {
    const page = markdownOf(resultsOf(measure(SERVERS), { isDirty: true }))
    assert.match(page, /^# Benchmark of 2026-11-23\n/)
    assert.match(page, /Commit: abc1234, with changes that are not committed/)
    assert.match(page, /Example CPU at 3 GHz, 2 cores, 23\.4 GiB/)
    assert.match(page, /Linux 6\.1\.0, Node 20\.20\.2/)
    assert.match(page, /carillon 0\.1\.0/)
    assert.match(page, /1,000 subscribers, 50 events per second, 150 event bytes; 5 rounds\./)
  })

  it('says one of a thing as one', () => {
    const load = { threads: 1, connections: 64, pipelining: 16 }
    const page = markdownOf(resultsOf(measure(SERVERS, { load })))
    assert.match(page, /\n1 thread, 64 connections, pipelining 16; 5 rounds\./)
  })

  it('has ours first, then the floor and peers, with our ratio to each', () => {
    const page = markdownOf(resultsOf(measure(SERVERS)))
    const heads = ['carillon', 'floor', 'nchan', 'ours ÷ floor', 'ours ÷ nchan']
    assert.ok(page.includes(`|  | ${heads.join(' | ')} |`), page)
    assert.deepEqual(cellsOf(page, 'latency p99, ms').slice(1), ['10', '8', '20', '1.25', '0.50'])
  })

  it('has the median of the rounds and their spread; ratios are of the same round', () => {
    const slowness = [1, 2, 1.5]
    const page = markdownOf(resultsOf(measure(SERVERS, { rounds: 3, slowness })))
    const [, ours, floor, , ratio] = cellsOf(page, 'latency p99, ms')
    assert.equal(ours, '15 (10–20)')
    assert.equal(floor, '12 (8–16)')
    assert.equal(ratio, '1.25', 'what slows both falls out')
  })

  it('takes the middle of two rounds, and pairs only rounds that both have', () => {
    const [first, second] = [1, 2].map((slow) => measure(SERVERS, { rounds: 1, slowness: [slow] }))
    const rounds = [
      ...(first as Measurement[]),
      ...(second as Measurement[])
        .filter(({ server }) => server === 'carillon')
        .map((one) => ({ ...one, round: 1 })),
    ]
    const cells = cellsOf(markdownOf(resultsOf(rounds)), 'latency p99, ms')
    assert.equal(cells[1], '15 (10–20)')
    assert.equal(cells[4], '1.25')
  })

  it('shows what is lost in bold, over all rounds, and 0 plainly', () => {
    const servers = [{ server: 'carillon', p99Ms: 10, cpuUs: 6, lost: 7 }, ...SERVERS.slice(2)]
    const page = markdownOf(resultsOf(measure(servers, { rounds: 2 })))
    assert.deepEqual(cellsOf(page, 'lost').slice(1, 3), ['**14**', '0'])
    assert.deepEqual(cellsOf(page, 'order errors').slice(1, 3), ['0', '0'])
  })

  it('marks where the load client was the limit', () => {
    assert.doesNotMatch(markdownOf(resultsOf(measure(SERVERS))), /†/)
    const servers = [{ server: 'carillon', p99Ms: 10, cpuUs: 6, limit: 'load client' as const }]
    const page = markdownOf(resultsOf(measure(servers)))
    assert.match(page, /\| carillon † \|/)
    assert.match(page, /† In at least one round the load client was at its limit/)
  })

  it('has no row for what nobody measured, and survives a strange name', () => {
    const page = markdownOf(resultsOf(measure([{ server: 'a|<b>', p99Ms: 1, cpuUs: 1 }])))
    assert.doesNotMatch(page, /per request|resident|ours ÷/)
    assert.match(page, /a\\\|&lt;b>/)
  })
})

/** Every element is closed, in order; throws else. */
function assertWellFormed(svg: string): void {
  const open: string[] = []
  for (const [, end, name, , empty] of svg.matchAll(
    /<(\/?)([a-z:]+)((?:[^>"]|"[^"]*")*?)(\/?)>/gi,
  )) {
    if (end) assert.equal(open.pop(), name)
    else if (!empty) open.push(name as string)
  }
  assert.deepEqual(open, [])
  assert.doesNotMatch(svg, /NaN|undefined|Infinity/)
  assert.doesNotMatch(svg.replace(/<[^>]*>/g, ''), /[<>]/)
}

describe('the plots', () => {
  it('have a line for each server', () => {
    const results = resultsOf([
      ...sweep('eventsPerSecond', [50, 500, 5000]),
      ...sweep('subscribers', [10, 100]),
    ])
    for (const svg of [latencyPlot(results), throughputPlot(results)]) {
      assert.ok(svg)
      assertWellFormed(svg)
      for (const { server } of SERVERS) assert.ok(svg.includes(`>${server}</text>`), server)
      const colours = new Set(
        [...svg.matchAll(/fill="none"[^>]*stroke="(#\w+)"/g)].map((m) => m[1]),
      )
      for (const colour of ['#0072b2', '#6e7780', '#d55e00']) assert.ok(colours.has(colour), colour)
    }
  })

  it('name the points of their axis, and what is the same in all', () => {
    const svg = latencyPlot(resultsOf(sweep('eventsPerSecond', [50, 5000]))) as string
    for (const text of [
      '50',
      '5,000',
      '1,000 subscribers, 150 event bytes',
      'p50, ms',
      'p99, ms',
    ]) {
      assert.ok(svg.includes(`>${text}</text>`), text)
    }
  })

  it('can be read on a dark page', () => {
    const svg = latencyPlot(resultsOf(sweep('eventsPerSecond', [50, 5000]))) as string
    assert.match(svg, /@media \(prefers-color-scheme:dark\)/)
    const paper = svg.match(/<rect width="860" height="400" x="0" y="0" fill="(#\w+)">/)?.[1]
    assert.ok(svg.includes(`[fill="${paper}"]{fill:#0d1117}`), 'the background changes too')
  })

  it('have a hollow mark where the load client was the limit', () => {
    const servers = [{ server: 'carillon', p99Ms: 10, cpuUs: 6, limit: 'load client' as const }]
    const measurements = [10, 20].flatMap((subscribers) =>
      measure(servers, { load: { subscribers } }),
    )
    assert.match(throughputPlot(resultsOf(measurements)) as string, /hollow: the load client/)
  })

  it('leave out what a logarithm cannot show, and servers that lack a point', () => {
    const measurements = [
      ...measure([{ server: 'carillon', p99Ms: 0, cpuUs: 1 }], { load: { eventsPerSecond: 1 } }),
      ...measure(SERVERS, { load: { eventsPerSecond: 10 } }),
    ]
    assertWellFormed(latencyPlot(resultsOf(measurements)) as string)
  })

  it('are left out where nothing was measured at two loads', () => {
    const results = resultsOf(measure(SERVERS))
    assert.equal(latencyPlot(results), undefined)
    assert.equal(throughputPlot(results), undefined)
  })
})

describe('the files', () => {
  it('are JSON, a page and its plots, named by date and commit', async () => {
    const folder = temporaryFolder()
    const results = resultsOf(sweep('eventsPerSecond', [50, 500]))
    const paths = await writeResults(results, join(folder, 'results'))
    assert.deepEqual(
      paths.map((path) => basename(path)),
      ['2026-11-23-abc1234.json', '2026-11-23-abc1234.md', '2026-11-23-abc1234-latency.svg'],
    )
    const [json, page, plot] = paths.map((path) => readFileSync(path, 'utf8'))
    assert.deepEqual(JSON.parse(json as string), results)
    assert.ok(page?.includes('](2026-11-23-abc1234-latency.svg)'))
    assertWellFormed(plot as string)
  })

  it('never replace older ones, and say that the tree was dirty', async () => {
    const folder = temporaryFolder()
    const results = resultsOf(measure(SERVERS), { isDirty: true })
    const names = []
    for (let run = 0; run < 3; run++)
      names.push(basename((await writeResults(results, folder))[0] ?? ''))
    const stem = '2026-11-23-abc1234-dirty'
    assert.deepEqual(names, [`${stem}.json`, `${stem}-2.json`, `${stem}-3.json`])
  })

  it('can be read again, whatever could not be computed', async () => {
    const broken = measure(SERVERS).map((one) => ({ ...one, serverCpuUsPerRequest: Number.NaN }))
    const [path] = await writeResults(resultsOf(broken), temporaryFolder())
    assert.equal(readResults(path as string).measurements[0]?.serverCpuUsPerRequest, undefined)
  })

  it('are ordered by the date in them', async () => {
    const folder = temporaryFolder()
    const write = async (date: string): Promise<string> =>
      (await writeResults(resultsOf(measure(SERVERS), { date }), folder))[0] as string
    const newest = await write('2026-11-23T20:00:00.000Z')
    const older = await write('2026-11-23T10:00:00.000Z')
    writeFileSync(join(folder, 'notes.txt'), 'not a result')
    assert.equal(newestResults(folder, older), newest)
    assert.equal(newestResults(folder, newest), older)
  })
})

describe('the surroundings', () => {
  it('name machine, versions and commit', () => {
    const machine = describeMachine()
    assert.ok(machine.cores >= 1 && machine.memoryGibibytes > 0)
    assert.equal(machine.node, process.version.slice(1))
    const versions = versionsOf(['carillon', 'floor', 'somebody else'])
    assert.match(versions['carillon'] ?? '', /^\d+\.\d+\.\d+$/)
    assert.match(versions['uWebSockets.js'] ?? '', /\d$/)
    assert.equal(versions['nginx'], undefined, 'not asked for')
    assert.match(describeCommit().commit, /^[\da-f]{40}$/)
  })
})
