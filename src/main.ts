#!/usr/bin/env node
// The command: options → start; signals → stop; errors → exit code. Main thread. Nothing else.
// Each command loads only what it needs: the server takes ten times as long to load as the client.
import { readCommandLine } from './config/command.ts'
import type { Config } from './config/option.ts'
import type { Command } from './config/parse.ts'
import { CarillonError } from './error.ts'
import { version } from './ops/version.ts'

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
  // Its default is to end the process, also while it starts.
  let renew = (): void => {}
  process.on('SIGHUP', () => renew())
  const { carillon } = await import('./index.ts')
  const dispatcher = await carillon(config)
  renew = () => {
    dispatcher.renewCertificate().catch((error: unknown) => {
      if (!(error instanceof CarillonError)) throw error
      process.stderr.write(
        `carillon: certificate not renewed, the old one stays: ${error.message}\n`,
      )
    })
  }
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
  // A program that reads it wants the one line.
  if (process.stdout.isTTY) await greet(config, dispatcher.url)
  const failure = await dispatcher.failed
  process.stderr.write(`carillon: ${failure.message}\n`)
  await stop(failure.exitCode, 0)
}

async function greet(config: Config, url: string): Promise<void> {
  const { greeting } = await import('./ops/greeting.ts')
  const { paintOf } = await import('./client/paint.ts')
  process.stdout.write(greeting(config, url, paintOf(process.stdout)))
}

async function runServer(argv: readonly string[]): Promise<void> {
  const { parseCommand } = await import('./config/parse.ts')
  const command = parseCommand(argv)
  if (command.run === 'version') process.stdout.write(`${version}\n`)
  else if (command.run === 'help') {
    const { helpText } = await import('./config/help.ts')
    process.stdout.write(helpText())
  } else await serve(command)
}

// A full disk or a reader that is gone costs these lines, not the server: without a handler, Node
// takes the failed write for an uncaught exception.
for (const output of [process.stdout, process.stderr]) output.on('error', () => {})

// A function: a single-file executable is no module, and may not await on its top level.
async function run(): Promise<void> {
  try {
    const { name, argv } = readCommandLine()
    if (name === 'serve') await runServer(argv)
    else {
      const { runClient } = await import('./client/run.ts')
      process.exitCode = await runClient({ name, argv }, version)
    }
  } catch (error) {
    if (!(error instanceof CarillonError)) throw error
    process.stderr.write(`carillon: ${error.message}\n`)
    process.exitCode = error.exitCode
  }
}

void run()
