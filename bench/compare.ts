// Compares two results and says what changed beyond noise; see verdict.ts for the rule.
// Run: make bench-compare BASE=file [NEW=file]; without NEW, the newest of bench/results.
// Ends with 1 where something is worse, with 2 where the files cannot be compared.
import { fileURLToPath } from 'node:url'
import { ArchiveError, newestResults, readResults } from './archive.ts'
import type { Results } from './result.ts'
import { number } from './table.ts'
import { type Comparison, compare, type Verdict } from './verdict.ts'

const FOLDER = fileURLToPath(new URL('results', import.meta.url))

function say(line = ''): void {
  process.stdout.write(`${line}\n`)
}

/** `+25 %`. */
function percent(ratio: number): string {
  if (!Number.isFinite(ratio)) return 'from 0'
  return `${ratio < 1 ? '' : '+'}${((ratio - 1) * 100).toFixed(1)} %`
}

function describeResults(name: string, path: string, results: Results): string {
  const dirty = results.isDirty ? ', not committed' : ''
  return `${name} ${path}: ${results.date}, commit ${results.commit.slice(0, 7)}${dirty}`
}

function describeVerdict(verdict: Verdict): string {
  const { figure, base, fresh, change, threshold, reason } = verdict
  const values = `${number(base)} → ${number(fresh)}`
  const judged =
    threshold === 1 ? '' : `, judged ${percent(change)} beyond ±${percent(threshold).slice(1)}`
  return `  ${figure}: ${values}${judged} (${reason})`
}

function sayGroup(title: string, verdicts: readonly Verdict[]): void {
  if (verdicts.length === 0) return
  say()
  say(`${title}:`)
  let heading = ''
  for (const verdict of verdicts) {
    const own = `${verdict.case}: ${verdict.load}`
    if (own !== heading) say(own)
    heading = own
    say(describeVerdict(verdict))
  }
}

function sayList(title: string, lines: readonly string[]): void {
  if (lines.length === 0) return
  say()
  say(`${title}:`)
  for (const line of lines) say(`  ${line}`)
}

/** @returns whether something is worse */
function report({ verdicts, onlyBase, onlyFresh, surroundings }: Comparison): boolean {
  const of = (outcome: Verdict['outcome']): Verdict[] =>
    verdicts.filter((verdict) => verdict.outcome === outcome)
  const [worse, improved] = [of('worse'), of('improved')]
  sayList('Not the same surroundings', surroundings)
  sayList('Only in BASE', onlyBase)
  sayList('Only in NEW', onlyFresh)
  sayGroup('Worse', worse)
  sayGroup('Improved', improved)
  const unjudged = of('not judged')
  const reasons = [...new Set(unjudged.map(({ reason }) => reason))].join('; ')
  say()
  say(
    `${worse.length} worse, ${improved.length} improved, ${of('unchanged').length} unchanged` +
      (unjudged.length > 0 ? `, ${unjudged.length} not judged (${reasons})` : ''),
  )
  return worse.length > 0
}

function main(basePath: string | undefined, newPath: string | undefined): number {
  if (!basePath) throw new ArchiveError('which result? make bench-compare BASE=file [NEW=file]')
  const base = readResults(basePath)
  const freshPath = newPath || newestResults(FOLDER, basePath)
  const fresh = readResults(freshPath)
  const comparison = compare(base, fresh)
  say(describeResults('BASE', basePath, base))
  say(describeResults('NEW ', freshPath, fresh))
  if (comparison.verdicts.length === 0) {
    throw new ArchiveError('the two results have no case and load in common')
  }
  return report(comparison) ? 1 : 0
}

try {
  process.exitCode = main(process.argv[2], process.argv[3])
} catch (error) {
  if (!(error instanceof ArchiveError)) throw error
  process.stderr.write(`bench-compare: ${error.message}\n`)
  process.exitCode = 2
}
