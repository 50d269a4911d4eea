#!/usr/bin/env node
// The command: options → start; signals → stop; errors → exit code. Main thread. Nothing else.
import { helpText } from './config/help.ts'
import { type Command, parseCommand } from './config/parse.ts'
import { CarillonError, carillon, version } from './index.ts'

/** What a stop may take beyond its drain time before the process is ended by force, in ms. */
const GRACE_MS = 5000

/** process.exit aborts the process while a shard holds sockets; this ends it without a core. */
function endNow(): void {
  process.kill(process.pid, 'SIGKILL')
  // The first process of a container cannot kill itself.
  process.exit(1)
}

async function serve(command: Extract<Command, { run: 'serve' }>): Promise<void> {
  const { config } = command
  const signals = ['SIGTERM', 'SIGINT'] as const
  // The first process of a container has no default actions: a signal without a handler does
  // nothing to it. This end is not clean, but at once.
  const endAtOnce = (signal: NodeJS.Signals): void => {
    process.removeAllListeners(signal)
    if (process.pid === 1) process.once(signal, () => process.exit(1))
  }
  for (const signal of signals) endAtOnce(signal)
  const dispatcher = await carillon(config)
  const stop = async (exitCode: number, drainSeconds: number): Promise<void> => {
    const force = setTimeout(endNow, drainSeconds * 1000 + GRACE_MS)
    await dispatcher.close(drainSeconds)
    clearTimeout(force)
    process.exit(exitCode)
  }
  for (const signal of signals) {
    process.removeAllListeners(signal)
    process.once(signal, () => {
      // A second signal of either kind ends the process at once.
      for (const other of signals) endAtOnce(other)
      void stop(0, config.drainSeconds)
    })
  }
  process.on('uncaughtException', (error) => {
    process.stderr.write(`carillon: internal error: ${error.stack}\n`)
    void stop(1, 0)
  })
  // Only now: whoever reads it may send a signal at once, and expects a clean stop.
  process.stdout.write(`carillon ${version} listening on ${dispatcher.url}\n`)
  const failure = await dispatcher.failed
  process.stderr.write(`carillon: ${failure.message}\n`)
  await stop(failure.exitCode, 0)
}

try {
  const command = parseCommand()
  if (command.run === 'help') process.stdout.write(helpText())
  else if (command.run === 'version') process.stdout.write(`${version}\n`)
  else await serve(command)
} catch (error) {
  if (!(error instanceof CarillonError)) throw error
  process.stderr.write(`carillon: ${error.message}\n`)
  process.exitCode = error.exitCode
}
