// A command on a pseudo-terminal of its own, typed as a reader of the README would, and what the
// terminal has shown by the time it says what it is waited for.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Long enough for a slow machine to start the server. */
const WITHIN_MS = 30_000

/** What must not decide on colours, and what the make around this one would have make print. */
const UNSET = ['CI', 'NO_COLOR', 'FORCE_COLOR', 'MAKEFLAGS', 'MAKELEVEL', 'MFLAGS']

export class Pane {
  readonly command: string
  /** What it printed so far, with escapes for colours. */
  text = ''
  readonly #process: ChildProcess

  constructor(command: string) {
    this.command = command
    const env = { ...process.env, TERM: 'xterm-256color', SHELL: '/bin/sh' }
    for (const name of UNSET) Reflect.deleteProperty(env, name)
    // util-linux's script is the terminal. Its input stays open: its end would be typed as Ctrl-D.
    this.#process = spawn('script', ['-qefc', command, '/dev/null'], {
      cwd: root,
      env,
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    // A command that has just ended takes no Ctrl-C.
    this.#process.stdin?.on('error', () => {})
    this.#process.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      this.text += chunk.replaceAll('\r\n', '\n')
    })
  }

  /** Resolves when it has printed this. */
  async shows(what: string): Promise<this> {
    const deadline = Date.now() + WITHIN_MS
    while (!this.text.includes(what)) {
      if (Date.now() > deadline) throw new Error(`${this.command} shows no ${what}: ${this.text}`)
      await sleep(20)
    }
    return this
  }

  /** Types Ctrl-C where it still runs; what it then prints is not kept. */
  async close(): Promise<void> {
    const { text } = this
    const { exitCode, signalCode } = this.#process
    if (exitCode === null && signalCode === null) {
      const ended = once(this.#process, 'exit')
      this.#process.stdin?.write('\x03')
      await ended
    }
    this.text = text
  }
}
