// One connection to a Redis, from the finding of the server to its loss. It never reconnects:
// whoever holds it opens another. Main thread. node-redis has the protocol, TLS and the login.
import { createClient, ErrorReply } from '@redis/client'
import type { RedisAddress, RedisNode } from '../config/redis-url.ts'

type Client = ReturnType<typeof clientOf>
type Listener = (message: Buffer, channel: Buffer) => void

/** The name by which CLIENT LIST shows us. */
const CLIENT_NAME = 'carillon'
const MOVED = /^MOVED \d+ (.*):(\d+)$/

export class RedisLink {
  readonly #address: RedisAddress
  readonly #timeoutMs: number
  readonly #signal: AbortSignal
  readonly #client: Client
  readonly #heartbeat: NodeJS.Timeout
  readonly #lost: (why: string) => void
  #isOpen = true
  #isAnswered = true

  private constructor(
    address: RedisAddress,
    timeoutMs: number,
    signal: AbortSignal,
    client: Client,
    lost: (why: string) => void,
  ) {
    this.#address = address
    this.#timeoutMs = timeoutMs
    this.#signal = signal
    this.#client = client
    this.#lost = lost
    client.on('error', (error) => this.#lose(reasonOf(error)))
    // Twice in the time limit: a ping goes unanswered for half of it at least, and all at most.
    this.#heartbeat = setInterval(() => this.#beat(), timeoutMs / 2)
  }

  /**
   * Connects: to the server; to the master that the Sentinels name; to a node of the Cluster, any
   * of which has the messages of all.
   * @param attempt from 0: of several nodes, which one to begin with
   * @param signal ends its sockets, also those that are still connecting
   * @param lost called once, when the connection breaks or is silent; not after `close`
   * @throws Error that says why not, without the password
   */
  static async open(
    address: RedisAddress,
    timeoutMs: number,
    attempt: number,
    signal: AbortSignal,
    lost: (why: string) => void,
  ): Promise<RedisLink> {
    const node = address.nodes[attempt % address.nodes.length] as RedisNode
    if (address.kind !== 'sentinel') {
      const client = await connect(address, node, timeoutMs, signal)
      return new RedisLink(address, timeoutMs, signal, client, lost)
    }
    const master = await masterOf(address, node, timeoutMs, signal)
    const client = await connect(address, master, timeoutMs, signal)
    // A Sentinel may not have heard yet of a failover (Redis's guidelines for Sentinel clients).
    const answer = await within(timeoutMs, client, client.role())
    if (answer?.role !== 'master') {
      end(client)
      throw new Error(`the Sentinel's master is a ${answer?.role}`)
    }
    return new RedisLink(address, timeoutMs, signal, client, lost)
  }

  /** Resolves when Redis has confirmed it. */
  async subscribe(kind: 'channel' | 'pattern', name: string, listener: Listener): Promise<void> {
    const heard: Listener = (message, channel) => {
      // In a flood, the answer to a ping stands behind megabytes of messages.
      this.#isAnswered = true
      listener(message, channel)
    }
    const done =
      kind === 'channel'
        ? this.#client.subscribe(name, heard, true)
        : this.#client.pSubscribe(name, heard, true)
    await within(this.#timeoutMs, this.#client, done)
  }

  /** Sets a field of a hash, also where another node of a Cluster has it. */
  async setField(key: string, field: string, value: string): Promise<void> {
    try {
      await this.#client.hSet(key, field, value)
    } catch (error) {
      const [, host, port] = MOVED.exec(reasonOf(error)) ?? []
      if (host === undefined) throw error
      const node = { host, port: Number(port) }
      const client = await connect(this.#address, node, this.#timeoutMs, this.#signal)
      try {
        await within(this.#timeoutMs, client, client.hSet(key, field, value))
      } finally {
        end(client)
      }
    }
  }

  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    clearInterval(this.#heartbeat)
    end(this.#client)
  }

  // node-redis has a timeout for an idle socket, but what we write counts as life there.
  #beat(): void {
    if (!this.#isAnswered) {
      this.#lose(`no answer within ${this.#timeoutMs / 1000} s`)
      return
    }
    this.#isAnswered = false
    this.#client.ping().then(
      () => {
        this.#isAnswered = true
      },
      (error) => {
        // A Redis that loads its data or cannot save it refuses PING; messages come all the same.
        if (error instanceof ErrorReply) this.#isAnswered = true
        else this.#lose(reasonOf(error))
      },
    )
  }

  #lose(why: string): void {
    if (!this.#isOpen) return
    this.close()
    this.#lost(why)
  }
}

/** What went wrong, in a line. */
export function reasonOf(error: unknown): string {
  // A name with several addresses, such as localhost: an error for each, and no message for all.
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0])
  const text = error instanceof Error ? error.message || error.name : String(error)
  return text.split('\n', 1)[0] as string
}

function clientOf(
  address: RedisAddress,
  { host, port }: RedisNode,
  timeoutMs: number,
  signal: AbortSignal,
) {
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

async function connect(
  address: RedisAddress,
  node: RedisNode,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Client> {
  const client = clientOf(address, node, timeoutMs, signal)
  // Without a listener it would be thrown; here the promise says the same.
  client.on('error', () => {})
  await within(timeoutMs, client, client.connect())
  return client
}

async function masterOf(
  address: RedisAddress,
  sentinel: RedisNode,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<RedisNode> {
  const master = address.master as string
  const ask = async (login: Partial<RedisAddress>): Promise<unknown> => {
    const target = { ...address, ...login, database: 0 }
    const client = await connect(target, sentinel, timeoutMs, signal)
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

/** The result of what waits for an answer; past the time the client is destroyed. */
async function within<T>(timeoutMs: number, client: Client, waiting: Promise<T>): Promise<T> {
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
function end(client: Client): void {
  if (client.isOpen) client.destroy()
}
