// Starts a server program as its own process and ends it with ours. It knows nothing of node:test,
// so that what is no test, such as the stress command, may start servers too.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** The command, as it was built. */
export const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

const running = new Set<ChildProcess>()

/** Ends every server that still runs, without ceremony. */
export function killAll(): void {
  for (const child of running) child.kill('SIGKILL')
}
process.on('exit', killAll)
// The runner's time limit for a file, and whoever watches a stress run.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(1))

export interface Server {
  readonly process: ChildProcess
  readonly port: number
  readonly url: string
  /** Lines of standard error so far; log lines are JSON. */
  readonly log: string[]
  /** Resolves when the process has ended: its code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>
  /** Sends SIGTERM and waits for the end. Safe to call when it has ended. */
  stop(): Promise<number | NodeJS.Signals>
}

export interface ServerOptions {
  /** Added to the test's environment. */
  readonly env?: Record<string, string>
  /** Node's own flags, before the script. */
  readonly nodeFlags?: readonly string[]
  /** A command that becomes the server by `exec`, with its arguments: `prlimit --nofile=200`. */
  readonly wrapper?: readonly string[]
}

/** Starts a script on Node and waits for its address. Throws with its log when it ends instead. */
export function launchServer(
  script: string,
  args: readonly string[],
  { env = {}, nodeFlags = [], wrapper = [] }: ServerOptions = {},
): Promise<Server> {
  return launch([...wrapper, process.execPath, ...nodeFlags, script, ...args], env)
}

/** Starts any server program, with its arguments. Else as `launchServer`. */
export async function launch(
  [program, ...args]: readonly string[],
  env: Record<string, string> = {},
): Promise<Server> {
  const child = spawn(program as string, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  child.once('close', () => running.delete(child))
  const log: string[] = []
  createInterface(child.stderr).on('line', (line) => log.push(line))
  const ended = once(child, 'close').then(([code, signal]) => code ?? signal)
  const address = await Promise.race([
    new Promise<string>((resolve) => createInterface(child.stdout).once('line', resolve)),
    ended.then((code) => {
      throw new Error(`server ended with ${code}: ${log.join('\n')}`)
    }),
  ])
  const url = /https?:\/\/\S+/.exec(address)?.[0]
  if (url === undefined) throw new Error(`no address in the first line: ${address}`)
  return {
    process: child,
    port: Number(new URL(url).port),
    url,
    log,
    ended,
    stop: () => {
      child.kill('SIGTERM')
      return ended
    },
  }
}
