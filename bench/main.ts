// The command of make bench: measures the built server, and peers beside it, and writes results.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describeCommit, describeMachine, versionsOf } from './machine.ts'
import { helpText, type Options, readOptions, UsageError } from './option.ts'
import { writeResults } from './report.ts'
import { runCases } from './run.ts'
import { OURS } from './trial.ts'

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url))

function say(line: string): void {
  process.stderr.write(`bench: ${line}\n`)
}

/** One line for all of the run on a terminal; elsewhere one for each measurement. */
function tell(text: string, part: number): void {
  const line = `bench: ${`${Math.floor(part * 100)}`.padStart(3)} % ${text}`
  if (process.stderr.isTTY !== true) process.stderr.write(`${line}\n`)
  else process.stderr.write(`\r\x1b[K${line.slice(0, process.stderr.columns - 1)}`)
}

async function run(options: Options): Promise<void> {
  if (!existsSync(MAIN)) throw new UsageError('the server is not built: make build')
  // Before the load has its cores, which a description would take for the machine's, and before
  // anyone goes on working in the tree whose build is measured.
  const machine = describeMachine()
  const commit = describeCommit()
  const { measurements, failed } = await runCases(options, tell)
  if (process.stderr.isTTY === true) process.stderr.write('\r\x1b[K')
  if (failed > 0) process.exitCode = 1
  if (measurements.length === 0) {
    say('nothing was measured')
    return
  }
  const results = {
    schema: 1,
    date: new Date().toISOString(),
    ...commit,
    machine,
    versions: versionsOf([OURS, ...options.peers.map(({ name }) => name)]),
    measurements,
  } as const
  for (const path of await writeResults(results, options.out)) say(`wrote ${path}`)
}

// Servers that we started end with us.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => process.exit(1))
}

try {
  const options = readOptions(process.argv.slice(2))
  if (options === undefined) process.stdout.write(helpText())
  else await run(options)
} catch (error) {
  const isUsage = error instanceof UsageError
  say(isUsage ? `${error.message}; see --help` : `${error instanceof Error ? error.stack : error}`)
  process.exitCode = isUsage ? 2 : 1
}
