// Runs a program that a test drives as a client, line by line, and ends it when the test ends.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** What a program ends with: a test, or a group of tests. */
export interface Lifetime {
  after(end: () => unknown): void
}

export interface Program {
  readonly process: ChildProcess
  /** Lines of standard output so far. */
  readonly lines: string[]
  /** Standard error so far, to explain a failure. */
  readonly errors: string[]
  /** Resolves when it has ended: its code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>
}

/** @param variables added to the test's environment */
export function startProgram(
  t: Lifetime,
  path: string,
  args: readonly string[],
  variables: Record<string, string> = {},
): Program {
  // A proxy of the environment would be asked for 127.0.0.1 too.
  const env = { ...process.env, NO_PROXY: '*', no_proxy: '*', ...variables }
  const child = spawn(path, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const lines: string[] = []
  const errors: string[] = []
  createInterface(child.stdout).on('line', (line) => lines.push(line))
  createInterface(child.stderr).on('line', (line) => errors.push(line))
  const ended = once(child, 'close').then(([code, signal]) => code ?? signal)
  t.after(() => {
    child.kill()
    return ended
  })
  return { process: child, lines, errors, ended }
}
