// Starts a program that is measured beside ours on core 0, where the benchmark puts every server,
// and ends it with the benchmark.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** What a program gets to end by itself before it is killed. */
const GRACE_MS = 3_000

// A benchmark that fails must not leave its servers behind.
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Has the program, which we started, killed where the benchmark ends before it. */
export function owned<Program extends ChildProcess>(child: Program): Program {
  running.add(child)
  child.once('close', () => running.delete(child))
  return child
}

/** Can the program be started at all? It is run with this argument, and should end at once. */
export function isInstalled(program: string, argument = '--version'): boolean {
  return spawnSync(program, [argument], { stdio: 'ignore' }).error === undefined
}

/** Not without taskset, nor where core 0 is not among those that a container may use. */
function canPin(): boolean {
  return spawnSync('taskset', ['-c', '0', 'true'], { stdio: 'ignore' }).status === 0
}

/** One line to whoever watches the benchmark; its table goes to standard output. */
export function note(line: string): void {
  process.stderr.write(`bench: ${line}\n`)
}

export interface Launched {
  /** Of the program itself: `taskset` becomes it. */
  readonly pid: number
  /** Resolves with the first line of standard output; rejects where the program ends before. */
  readonly firstLine: Promise<string>
  /** Resolves with how it ended: its code, its signal, or why it did not start. */
  readonly ended: Promise<string>
  /** SIGTERM, and after a while SIGKILL. Safe to call when it has ended. */
  stop(): Promise<void>
}

export function launch(program: string, args: readonly string[]): Launched {
  const [command, argv] = canPin() ? ['taskset', ['-c', '0', program, ...args]] : [program, args]
  const child = owned(spawn(command, argv, { stdio: ['ignore', 'pipe', 'pipe'] }))
  let errors = ''
  child.stderr.on('data', (chunk) => {
    errors += chunk
  })
  const ended = Promise.race([
    once(child, 'close').then(([code, signal]) => `${signal ?? `code ${code}`}`),
    once(child, 'error').then(([error]) => `${error}`),
  ])
  const firstLine = Promise.race([
    new Promise<string>((resolve) => createInterface(child.stdout).once('line', resolve)),
    ended.then((how) => {
      throw new Error(`${program} ended with ${how}: ${errors.trim()}`)
    }),
  ])
  // Who does not ask for the line asks `ended`.
  firstLine.catch(() => {})
  return {
    pid: child.pid ?? 0,
    firstLine,
    ended,
    stop: async () => {
      child.kill('SIGTERM')
      const killer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS)
      await ended
      clearTimeout(killer)
    },
  }
}
