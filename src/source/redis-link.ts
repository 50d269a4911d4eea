// One connection to a Redis, from its making to its loss. It never reconnects: whoever holds it opens
// another. Main thread.
import { ErrorReply } from '@redis/client'
import type { RedisNode } from '../config/redis-url.ts'
import { type Client, connect, type Dial, end, findServer, reasonOf, within } from './redis-dial.ts'

type Listener = (message: Buffer, channel: Buffer) => void

const MOVED = /^MOVED \d+ (.*):(\d+)$/

export class RedisLink {
  readonly #dial: Dial
  readonly #node: RedisNode
  readonly #client: Client
  readonly #heartbeat: NodeJS.Timeout
  readonly #lost: (why: string) => void
  #isOpen = true
  #isAnswered = true

  private constructor(dial: Dial, node: RedisNode, client: Client, lost: (why: string) => void) {
    this.#dial = dial
    this.#node = node
    this.#client = client
    this.#lost = lost
    client.on('error', (error) => this.#lose(reasonOf(error)))
    // Twice in the time limit: a ping goes unanswered for half of it at least, and all at most.
    this.#heartbeat = setInterval(() => this.#beat(), dial.timeoutMs / 2)
  }

  /**
   * Connects.
   * @param attempt from 0: of several nodes, which one to begin with
   * @param lost called once, when the connection breaks or is silent; not after `close`
   * @throws Error that says why not, without the password
   */
  static async open(dial: Dial, attempt: number, lost: (why: string) => void): Promise<RedisLink> {
    const { client, node } = await findServer(dial, attempt)
    return new RedisLink(dial, node, client, lost)
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
    await within(this.#dial.timeoutMs, this.#client, done)
  }

  /** Sets a field of a hash, also where another node of a Cluster has it. */
  async setField(key: string, field: string, value: string): Promise<void> {
    try {
      await this.#client.hSet(key, field, value)
    } catch (error) {
      const [, host, port] = MOVED.exec(reasonOf(error)) ?? []
      if (host === undefined) throw error
      // Without a host, it is another port of the one that said so.
      const node = { host: host || this.#node.host, port: Number(port) }
      const client = await connect(this.#dial, node)
      try {
        await within(this.#dial.timeoutMs, client, client.hSet(key, field, value))
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
      // After a stall of this thread, timers run before what has come meanwhile is read: the answer may
      // be there. It is judged once that is read.
      setImmediate(() => {
        if (!this.#isAnswered) this.#lose(`no answer within ${this.#dial.timeoutMs / 1000} s`)
      })
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
