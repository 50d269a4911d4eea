// The Markdown page of a result: what was measured on which machine, then a table for each trial.
import { faults, figures, loads } from './figure.ts'
import type { Measurement, Results } from './result.ts'
import {
  describeLoad,
  inOrder,
  isClientLimited,
  OURS,
  pairedRatios,
  type Spread,
  spreadOf,
  type Trial,
  trialsOf,
  valuesOf,
} from './trial.ts'

type Read = (measurement: Measurement) => number | undefined

const LIMIT_MARK = '†'
const LIMIT_NOTE = `${LIMIT_MARK} In at least one round the load client was at its limit, not the server: what the server can do is more than this, and the latency is the client's own.`

const rounded = new Intl.NumberFormat('en-GB', { maximumSignificantDigits: 3 })
const whole = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 0 })
const ratio = new Intl.NumberFormat('en-GB', { minimumFractionDigits: 2, maximumFractionDigits: 2 })

/** Three digits are more than any figure here is good for. */
export function number(value: number): string {
  return Math.abs(value) >= 1000 ? whole.format(value) : rounded.format(value)
}

/** `6.5 (6.3–6.8)`: the median, and the least and the most of the rounds; empty of nothing. */
function cell(spread: Spread | undefined, format: (value: number) => string): string {
  if (spread === undefined) return ''
  const [median, min, max] = [spread.median, spread.min, spread.max].map(format)
  return min === max ? `${median}` : `${median} (${min}–${max})`
}

/** A text from outside, such as a peer's name, must not end the cell it stands in. */
function plain(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;')
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}

/** A row of a figure; undefined where no server has it. */
function figureRow(
  trial: Trial,
  names: readonly string[],
  title: string,
  read: Read,
  hasRatios: boolean,
): string | undefined {
  const values = names.map((name) => valuesOf(trial.servers.get(name), read))
  if (values.every(({ size }) => size === 0)) return undefined
  const ours = valuesOf(trial.servers.get(OURS), read)
  const ratios = othersOf(trial, names).map((name) => {
    const theirs = valuesOf(trial.servers.get(name), read)
    return hasRatios ? cell(spreadOf(pairedRatios(ours, theirs)), ratio.format) : ''
  })
  return row([title, ...values.map((one) => cell(spreadOf(one.values()), number)), ...ratios])
}

/** A row of a count that must be 0, over all rounds; bold where it is not. */
function faultRow(
  trial: Trial,
  names: readonly string[],
  title: string,
  read: Read,
): string | undefined {
  const values = names.map((name) => valuesOf(trial.servers.get(name), read))
  if (values.every(({ size }) => size === 0)) return undefined
  const cells = values.map((rounds) => {
    if (rounds.size === 0) return ''
    const sum = [...rounds.values()].reduce((total, value) => total + value, 0)
    return sum === 0 ? '0' : `**${whole.format(sum)}**`
  })
  return row([title, ...cells, ...othersOf(trial, names).map(() => '')])
}

/** Those that ours is compared with: none where ours was not measured. */
function othersOf(trial: Trial, names: readonly string[]): string[] {
  return trial.servers.has(OURS) ? names.filter((name) => name !== OURS) : []
}

function trialTable(trial: Trial): string {
  const names = inOrder(trial.servers.keys())
  const others = othersOf(trial, names)
  const marked = names.map((name) =>
    isClientLimited(trial, name) ? `${plain(name)} ${LIMIT_MARK}` : plain(name),
  )
  const rounds = Math.max(...[...trial.servers.values()].map(({ length }) => length))
  const heads = ['', ...marked, ...others.map((name) => `ours ÷ ${plain(name)}`)]
  const rows = [
    ...figures.map(({ title, read }) => figureRow(trial, names, title, read, true)),
    ...faults.map(({ title, read }) => faultRow(trial, names, title, read)),
    ...loads.map(({ title, read }) => figureRow(trial, names, title, read, false)),
  ]
  const lines = [
    `### ${plain(trial.case)}`,
    '',
    `${plain(describeLoad(trial.load))}; ${rounds} ${rounds === 1 ? 'round' : 'rounds'}.`,
    '',
    row(heads),
    row(heads.map((_, index) => (index === 0 ? '---' : '---:'))),
    ...rows.filter((line) => line !== undefined),
  ]
  if (marked.some((name) => name.endsWith(LIMIT_MARK))) lines.push('', LIMIT_NOTE)
  return lines.join('\n')
}

function heading(results: Results): string {
  const { machine, versions } = results
  const dirty = results.isDirty ? ', with changes that are not committed' : ''
  const listed = Object.entries(versions).map(([name, version]) => `${name} ${plain(version)}`)
  return [
    `# Benchmark of ${results.date.slice(0, 10)}`,
    '',
    `- Commit: ${results.commit.slice(0, 7)}${dirty}; measured at ${results.date}`,
    `- Machine: ${plain(machine.cpu)}, ${machine.cores} cores, ${number(machine.memoryGibibytes)} GiB`,
    `- System: ${plain(machine.kernel)}, Node ${plain(machine.node)}`,
    `- Versions: ${listed.join('; ')}`,
    '',
    'Each figure is the median of the rounds, with the least and the most in brackets. Ratios are',
    'taken in each round, ours to theirs, and then the median of them: below 1 is better for time',
    'and memory, above 1 for throughput. What is lost, out of order, refused or unanswered is the sum',
    'of all rounds, and bold where it is not 0. docs/performance.md says how all of it is measured.',
  ].join('\n')
}

/** @param plots file names of the plots, beside the page */
export function markdownOf(results: Results, plots: readonly string[] = []): string {
  const images = plots.map((name) => `![${altOf(name)}](${name})`)
  const tables = trialsOf(results.measurements).map(trialTable)
  return `${[heading(results), ...images, ...tables].join('\n\n')}\n`
}

function altOf(plot: string): string {
  return plot.endsWith('-latency.svg') ? 'Latency against load' : 'Throughput against subscribers'
}
