// The emojitracker sandbox without Docker: a Redis of its own, the feeder and the server, until
// Ctrl-C or until one of them ends. make demo PORT=9000 RATE=1000
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from './free-port.ts'

/** What each part gets to end by itself; the server's own stop is bounded by DRAIN_SECONDS. */
const GRACE_MS = 5_000
/** A sandbox has no subscribers to close in a paced way. */
const DRAIN_SECONDS = '1'

interface Part {
  readonly name: string
  readonly process: ChildProcess
  /** How it ended: its code, its signal, or why it did not start. */
  readonly ended: Promise<string>
}

/** In the order in which they stop: nobody loses what it still uses. */
const parts: Part[] = []

/** Undefined while nothing has asked for a stop. */
let exitCode: number | undefined
let announceStop: () => void = () => {}
const stopped = new Promise<void>((resolve) => {
  announceStop = resolve
})

function stop(code: number): void {
  exitCode ??= code
  announceStop()
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

function pathOf(name: string): string {
  return fileURLToPath(new URL(`../${name}`, import.meta.url))
}

function installRedis(): void {
  if (spawnSync('redis-server', ['--version']).error === undefined) return
  const script = pathOf('scripts/install-test-programs.sh')
  const { status } = spawnSync('sh', [script, 'redis-server'], { stdio: 'inherit' })
  if (status !== 0) process.exit(1)
}

/** Starts a part and waits for the line that says it is ready. Undefined where a stop is due. */
async function start(
  name: string,
  command: string,
  args: readonly string[],
  ready: RegExp,
  env: NodeJS.ProcessEnv = process.env,
): Promise<string | undefined> {
  if (exitCode !== undefined) return undefined
  // In a process group of its own: Ctrl-C is for us, and we stop the parts in their order.
  const child = spawn(command, args, { env, detached: true, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) => resolve(signal ?? `code ${code}`))
  })
  parts.unshift({ name, process: child, ended })
  void ended.then((how) => {
    if (exitCode !== undefined) return
    process.stderr.write(`demo: ${name} has ended: ${how}\n`)
    stop(1)
  })
  const line = new Promise<string>((resolve) => {
    createInterface(child.stdout).on('line', (text) => {
      if (ready.test(text)) resolve(text)
    })
  })
  return Promise.race([line, stopped.then(() => undefined)])
}

async function stopAll(): Promise<void> {
  for (const { process: child, ended } of parts) {
    child.kill('SIGTERM')
    const grace = new AbortController()
    const late = sleep(GRACE_MS, undefined, { signal: grace.signal }).then(
      () => child.kill('SIGKILL'),
      () => {},
    )
    await ended
    grace.abort()
    await late
  }
}

async function run(): Promise<void> {
  const port = process.env['PORT'] || '8001'
  const rate = process.env['RATE'] || '250'
  installRedis()
  const redisPort = `${await freePort()}`
  const redisUrl = `redis://127.0.0.1:${redisPort}`
  const flags = ['--bind', '127.0.0.1', '--port', redisPort, '--save', '', '--appendonly', 'no']
  await start('redis-server', 'redis-server', flags, /Ready to accept connections/)
  const server = [pathOf('dist/main.js'), '--preset', 'emojitracker', ...process.argv.slice(2)]
  const line = await start('server', process.execPath, server, /listening on/, {
    CARILLON_DRAIN_SECONDS: DRAIN_SECONDS,
    ...process.env,
    PORT: port,
    REDIS_URL: redisUrl,
  })
  const feeder = ['--import', 'tsx', pathOf('scripts/feeder.ts'), '--redis', redisUrl]
  await start('feeder', process.execPath, [...feeder, '--rate', rate], /updates a second/)
  if (exitCode !== undefined) return
  const address = `localhost:${/:(\d+)\D*$/.exec(line ?? '')?.[1] ?? port}`
  const page = new URL('../examples/emojitracker.html', import.meta.url)
  const query = address === 'localhost:8001' ? '' : `?server=http://${address}`
  say(`
The emojitracker sandbox is running, with ${rate} updates a second:

  curl -N ${address}/subscribe/eps
  curl -N ${address}/subscribe/details/1F602

In a browser: ${page}${query}
Ctrl-C stops it; Redis is on port ${redisPort} meanwhile.
`)
}

// What closing the terminal sends, too. A second signal ends the parts by force.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (exitCode !== undefined) for (const part of parts) part.process.kill('SIGKILL')
    stop(0)
  })
}
// Nothing of ours outlives us, also where this script has a fault.
process.on('exit', () => {
  for (const part of parts) part.process.kill('SIGKILL')
})

await run()
await stopped
await stopAll()
process.exit(exitCode)
