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

/** Starts a server and waits for its address. Throws with its log when it ends instead. */
export function startServer(
  args: readonly string[] = [],
  options: ServerOptions = {},
): Promise<Server> {
  return launchServer(MAIN, ['--host', '127.0.0.1', '--port', '0', ...args], options)
}
