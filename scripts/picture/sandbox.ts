// The emojitracker sandbox (scripts/demo.ts) as a process: Redis, feeder and server. Everything in its
// pictures that could name a machine is told to it.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { freePort } from '../free-port.ts'

const DEMO = fileURLToPath(new URL('../demo.ts', import.meta.url))

/** Updates a second: enough to leave those behind who read nothing. */
const RATE = '600'

export class Sandbox {
  readonly port: number
  readonly #process: ChildProcess

  private constructor(port: number, child: ChildProcess) {
    this.port = port
    this.#process = child
  }

  /** Resolves when events come. */
  static async start(): Promise<Sandbox> {
    const port = await freePort()
    const flags = ['--host', '127.0.0.1', '--threads', '2', '--log-level', 'error']
    const names = ['--node-name', 'node-production-web.1']
    const child = spawn(process.execPath, ['--import', 'tsx', DEMO, ...flags, ...names], {
      env: { ...process.env, PORT: `${port}`, RATE },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    process.once('exit', () => child.kill())
    await new Promise<void>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`the sandbox has ended with ${code}`)))
      createInterface(child.stdout).on('line', (line) => {
        if (line.includes('is running')) resolve()
      })
    })
    return new Sandbox(port, child)
  }

  async stop(): Promise<void> {
    const ended = once(this.#process, 'exit')
    this.#process.kill('SIGTERM')
    await ended
  }
}
