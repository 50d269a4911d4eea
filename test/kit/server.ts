// Starts the built server for a test, on loopback and a free port, and stops what it started.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { after } from 'node:test'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

// A test that fails leaves its server behind; it must not outlive the test process.
const running = new Set<ChildProcess>()
function killAll(): void {
  for (const child of running) child.kill('SIGKILL')
}
after(killAll)
process.on('exit', killAll)
// The runner's time limit for a file.
process.once('SIGTERM', () => process.exit(1))

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
}

/** Runs the command to its end. */
export async function runCommand(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number | NodeJS.Signals; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...process.env, ...env } })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  const [code, signal] = await once(child, 'close')
  return { code: code ?? signal, stdout, stderr }
}

/** Starts a server and waits for its address. Throws with its log when it ends instead. */
export async function startServer(
  args: readonly string[] = [],
  { env = {}, nodeFlags = [] }: ServerOptions = {},
): Promise<Server> {
  const argv = [...nodeFlags, MAIN, '--host', '127.0.0.1', '--port', '0', ...args]
  const child = spawn(process.execPath, argv, {
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
  const url = /http:\/\/\S+/.exec(address)?.[0]
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
