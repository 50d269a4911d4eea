// Starts the built server for a test, on loopback and a free port, and stops what it started.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { after } from 'node:test'
import { killAll, launchServer, MAIN, type Server, type ServerOptions } from './launch.ts'

export type { Server, ServerOptions } from './launch.ts'

// A test that fails leaves its server behind; it must not outlive the test process.
after(killAll)

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

const shared = new Map<string, Promise<Server>>()

/**
 * The one server of the file with these options: the first test that asks starts it, and it ends with
 * the file. A start costs a second of CPU. For tests that neither stop it nor count what it did before.
 */
export function sharedServer(args: readonly string[] = []): Promise<Server> {
  const key = JSON.stringify(args)
  const server = shared.get(key) ?? startServer(args)
  shared.set(key, server)
  return server
}

/** Starts a server and waits for its address. Throws with its log when it ends instead. */
export function startServer(
  args: readonly string[] = [],
  options: ServerOptions = {},
): Promise<Server> {
  return launchServer(MAIN, ['--host', '127.0.0.1', '--port', '0', ...args], options)
}
