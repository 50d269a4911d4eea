// How a connection to a Redis is made: which server, as whom, within which time. Main thread.
// node-redis has the protocol, TLS and the login.
import { createClient } from '@redis/client'
import type { RedisAddress, RedisNode } from '../config/redis-url.ts'

export type Client = ReturnType<typeof clientOf>

/** One attempt to connect. */
export interface Dial {
  readonly address: RedisAddress
  /** What each answer may take. */
  readonly timeoutMs: number
  /** Ends all sockets of the attempt: `destroy` knows none that is still connecting. */
  readonly signal: AbortSignal
}

/** The name by which CLIENT LIST shows us. */
const CLIENT_NAME = 'carillon'

/**
 * Connects to the server; to the master that a Sentinel names; to a node of the Cluster, any of
 * which has the messages of all.
 * @param attempt from 0: of several nodes, which one to take
 * @throws Error that says why not, without the password
 */
export async function findServer(
  dial: Dial,
  attempt: number,
): Promise<{ client: Client; node: RedisNode }> {
  const { address, timeoutMs } = dial
  const node = address.nodes[attempt % address.nodes.length] as RedisNode
  if (address.kind !== 'sentinel') return { client: await connect(dial, node), node }
  const master = await masterOf(dial, node)
  const client = await connect(dial, master)
  // A Sentinel may not have heard yet of a failover (Redis's guidelines for Sentinel clients).
  const answer = await within(timeoutMs, client, client.role())
  if (answer?.role !== 'master') {
    end(client)
    throw new Error(`the Sentinel's master is a ${answer?.role}`)
  }
  return { client, node: master }
}

export async function connect(dial: Dial, node: RedisNode): Promise<Client> {
  const client = clientOf(dial, node)
  // Without a listener it would be thrown; here the promise says the same.
  client.on('error', () => {})
  await within(dial.timeoutMs, client, client.connect())
  return client
}

function clientOf({ address, timeoutMs, signal }: Dial, { host, port }: RedisNode) {
  const { username, password, database, isTls } = address
  return createClient({
    // Of RESP3 we need that a connection with subscriptions takes other commands too.
    RESP: 3,
    name: CLIENT_NAME,
    database,
    ...(password !== undefined && { password }),
    // Without a password node-redis would not log in, and be the default user. Redis takes any
    // for a user that needs none.
    ...(username !== undefined && { username, password: password ?? 'none' }),
    disableOfflineQueue: true,
    maintNotifications: 'disabled',
    socket: {
      host,
      port,
      connectTimeout: timeoutMs,
      reconnectStrategy: false,
      signal,
      ...(isTls && { tls: true }),
    },
  })
}

async function masterOf(dial: Dial, sentinel: RedisNode): Promise<RedisNode> {
  const { address, timeoutMs } = dial
  const master = address.master as string
  const ask = async (login: Partial<RedisAddress>): Promise<unknown> => {
    const target = { ...address, ...login, database: 0 }
    const client = await connect({ ...dial, address: target }, sentinel)
    try {
      const command = ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', master]
      return await within(timeoutMs, client, client.sendCommand(command))
    } finally {
      end(client)
    }
  }
  // The login is the master's. A Sentinel has none of its own, as a rule; else it is the same.
  const answer = await ask({ username: undefined, password: undefined }).catch((error) => {
    if (address.password === undefined || !/^NOAUTH/.test(reasonOf(error))) throw error
    return ask({})
  })
  if (!Array.isArray(answer)) throw new Error(`the Sentinel knows no master named ${master}`)
  return { host: String(answer[0]), port: Number(answer[1]) }
}

/** The result of what waits for an answer; where it fails or is late, the client is ended. */
export async function within<T>(
  timeoutMs: number,
  client: Client,
  waiting: Promise<T>,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs / 1000} s`)), timeoutMs)
  })
  try {
    return await Promise.race([waiting, late])
  } catch (error) {
    waiting.catch(() => {})
    end(client)
    throw error
  } finally {
    clearTimeout(timer)
  }
}

/** At once. Ending one that is closed already would throw. */
export function end(client: Client): void {
  if (client.isOpen) client.destroy()
}

/** What went wrong, in a line. */
export function reasonOf(error: unknown): string {
  // A name with several addresses, such as localhost: an error for each, and no message for all.
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0])
  const text = error instanceof Error ? error.message || error.name : String(error)
  return text.split('\n', 1)[0] as string
}
