// Starts a real redis-server for a test, on loopback and a free port, and stops what it started.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after } from 'node:test'
import { createClient } from '@redis/client'
import { freePort } from '../../scripts/free-port.ts'
import { temporaryFolder } from './folder.ts'

// A test that fails leaves its server behind; it must not outlive the test process.
const running = new Set<ChildProcess>()
const clients = new Set<RedisClient>()
function killAll(): void {
  for (const client of clients) client.destroy()
  clients.clear()
  for (const child of running) child.kill('SIGKILL')
}
after(killAll)
process.on('exit', killAll)

export interface RedisServer {
  readonly port: number
  /** redis://127.0.0.1:port */
  readonly url: string
  readonly process: ChildProcess
  /** Ends it: SIGTERM, or another signal. Safe to call when it has ended. */
  stop(signal?: NodeJS.Signals): Promise<void>
}

/**
 * Starts redis-server and waits until it takes connections.
 * @param args its own flags, after those that keep it on loopback and off the disk
 * @param port the port of one that was stopped, to start it again
 */
export async function startRedis(
  args: readonly string[] = [],
  port?: number,
): Promise<RedisServer> {
  const own = port ?? (await freePort())
  const flags = ['--port', `${own}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  // A replica writes dump.rdb once it has its master's data, whatever `save` says.
  return launch([...flags, '--dir', temporaryFolder(), ...args], own)
}

/** Starts a Sentinel that watches the master on this port, and is alone to decide. */
export async function startSentinel(name: string, masterPort: number): Promise<RedisServer> {
  const port = await freePort()
  const file = join(temporaryFolder(), `sentinel-${port}.conf`)
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `sentinel monitor ${name} 127.0.0.1 ${masterPort} 1`,
    `sentinel down-after-milliseconds ${name} 500`,
    `sentinel failover-timeout ${name} 3000`,
  ]
  writeFileSync(file, `${lines.join('\n')}\n`)
  return launch([file, '--sentinel'], port)
}

async function launch(argv: readonly string[], port: number): Promise<RedisServer> {
  const child = spawn('redis-server', argv, { stdio: ['ignore', 'pipe', 'inherit'] })
  running.add(child)
  const ended = once(child, 'close')
  child.once('close', () => running.delete(child))
  await Promise.race([
    new Promise<void>((resolve) => {
      createInterface(child.stdout).on('line', (line) => {
        if (/Ready to accept connections|Sentinel ID is/.test(line)) resolve()
      })
    }),
    ended.then(([code]) => {
      throw new Error(`redis-server ended with ${code}; is it installed, is port ${port} free?`)
    }),
  ])
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    process: child,
    stop: async (signal = 'SIGTERM') => {
      child.kill(signal)
      await ended
    },
  }
}

export type RedisClient = ReturnType<typeof clientOf>

function clientOf(url: string) {
  return createClient({ url })
}

/** A client for publishing; closed after the tests of the file. */
export async function redisClient(url: string): Promise<RedisClient> {
  const client = clientOf(url)
  // A server that is killed on purpose is no error of the test's.
  client.on('error', () => {})
  await client.connect()
  clients.add(client)
  return client
}

/** Publishes messages on one channel, in order, some hundreds on the way at a time. */
export async function publishAll(
  client: RedisClient,
  channel: string,
  messages: readonly string[],
): Promise<void> {
  const PIPELINE = 500
  for (let start = 0; start < messages.length; start += PIPELINE) {
    const part = messages.slice(start, start + PIPELINE)
    await Promise.all(part.map((message) => client.publish(channel, message)))
  }
}
