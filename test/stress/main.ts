// The stress command: plays scenarios in their long form, prints a line for each as it ends, and a
// table of all at the end. Exit code 1 with the first violation.
import { parseArgs } from 'node:util'
import type { Figures, Form } from './kit/scenario.ts'
import { scenarios } from './scenarios.ts'

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    repeat: { type: 'string', default: '1' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
  },
})

const COLUMNS: readonly [title: string, text: (figures: Figures) => string][] = [
  ['scenario', ({ name }) => name],
  ['events', ({ events }) => `${events}`],
  ['deliveries', ({ deliveries }) => `${deliveries}`],
  ['peak MiB', ({ peakMiB }) => peakMiB.toFixed(0)],
  ['rest MiB', ({ restMiB }) => restMiB.toFixed(0)],
  ['peak files', ({ peakDescriptors }) => `${peakDescriptors}`],
  ['/health ms', ({ healthMs }) => healthMs.toFixed(0)],
  ['503', ({ refused }) => `${refused}`],
  ['seconds', ({ seconds }) => seconds.toFixed(1)],
]

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** A row of cells, the first from the left, figures from the right. */
function row(cells: readonly string[]): string {
  return cells.map((cell, index) => (index === 0 ? cell.padEnd(14) : cell.padStart(12))).join('')
}

const unknown = values.only.filter((name) => scenarios.every((known) => known.name !== name))
if (unknown.length > 0) {
  const names = scenarios.map(({ name, says }) => `  ${name.padEnd(12)} ${says}`)
  say(`no scenario ${unknown.join(', ')}; there are:\n${names.join('\n')}`)
  process.exit(2)
}
const form: Form = values.short ? 'short' : 'long'
const chosen = scenarios.filter(
  ({ name }) => values.only.length === 0 || values.only.includes(name),
)
const rows: string[] = []
const head = row(COLUMNS.map(([title]) => title))
say(head)
for (let round = 0; round < Number(values.repeat); round++) {
  for (const { name, play } of chosen) {
    const seed = Number(values.seed) + round
    try {
      const figures = await play(form, seed)
      rows.push(row(COLUMNS.map(([, text]) => text(figures))))
      say(rows.at(-1) as string)
    } catch (error) {
      const again = `make stress ARGS="--only ${name} --seed ${seed}${values.short ? ' --short' : ''}"`
      say(`${(error as Error).stack}\nagain: ${again}`)
      process.exit(1)
    }
  }
}
say(`\n${head}\n${rows.join('\n')}`)
process.exit(0)
