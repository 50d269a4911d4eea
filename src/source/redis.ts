// Redis pub/sub as a source: subscribes, makes events of messages, and comes back when it is lost.
// Main thread; hands its events to the hub. What is published while it is lost is lost: Redis
// keeps no message for a subscriber that is away.
import { isUtf8 } from 'node:buffer'
import type { Logger } from 'pino'
import type { Config } from '../config/option.ts'
import { parseRedisUrl, type RedisAddress, redactUrl } from '../config/redis-url.ts'
import { CarillonError } from '../error.ts'
import { Fault } from '../event/fault.ts'
import { Mapping } from '../event/mapping.ts'
import type { SourceState } from '../hub/message.ts'
import { reasonOf } from './redis-dial.ts'
import { RedisLink } from './redis-link.ts'
import type { Sink, Source } from './source.ts'

const BACKOFF_MS_MIN = 100
const BACKOFF_MS_MAX = 5000
/** A complaint of one kind is logged once in this time, in ms: a flood must not flood the log. */
const COMPLAINT_PERIOD_MS = 60_000

export class RedisSource implements Source {
  readonly #config: Config
  readonly #address: RedisAddress
  readonly #log: Logger
  readonly #sink: Sink
  /** Called when it comes up or goes down. */
  readonly #changed: () => void

  #link: RedisLink | undefined
  /** Ends the sockets of the last attempt: node-redis forgets one that is still connecting. */
  #attempt = new AbortController()
  #retry: NodeJS.Timeout | undefined
  #isStopped = false
  /** Attempts since it was last up for longer than the longest backoff. */
  #attempts = 0
  /** Unix ms, to be shown. */
  #since = Date.now()
  /** The same by a clock that nobody can set, to be reckoned with. */
  #changedAt = performance.now()
  #error: string | undefined = 'not connected yet'
  #connects = 0

  #received = 0
  #refused = 0
  #replaced = 0
  #dropped = 0
  readonly #complained = new Map<string, number>()

  constructor(config: Config, log: Logger, sink: Sink, changed: () => void) {
    this.#config = config
    this.#address = parseRedisUrl(config.redisUrl) as RedisAddress
    this.#log = log.child({ source: 'redis' })
    this.#sink = sink
    this.#changed = changed
  }

  get state(): SourceState {
    return {
      name: 'redis',
      address: redactUrl(this.#config.redisUrl),
      isUp: this.#link !== undefined,
      since: this.#since,
      error: this.#error,
      connects: this.#connects,
      received: this.#received,
      refused: this.#refused,
      replaced: this.#replaced,
      dropped: this.#dropped,
    }
  }

  async start(): Promise<void> {
    if (this.#config.waitForSource) {
      void this.#try()
      return
    }
    for (;;) {
      try {
        await this.#connect()
        return
      } catch (cause) {
        // Each of several nodes has its turn.
        if (++this.#attempts < this.#address.nodes.length) continue
        const where = redactUrl(this.#config.redisUrl)
        const hint = '--wait-for-source waits for it'
        const message = `cannot reach Redis at ${where}: ${reasonOf(cause)} (${hint})`
        throw new CarillonError('source_unreachable', message, { cause })
      }
    }
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#retry)
    this.#link?.close()
    this.#attempt.abort()
  }

  /** Sets a field of a hash there. @throws Error where Redis cannot be reached or refuses */
  async setField(key: string, field: string, value: string): Promise<void> {
    if (this.#link === undefined) throw new Error('Redis cannot be reached')
    await this.#link.setField(key, field, value)
  }

  async #connect(): Promise<void> {
    const timeoutMs = this.#config.sourceTimeoutSeconds * 1000
    const attempt = new AbortController()
    this.#attempt = attempt
    let isLost = false
    const lost = (why: string): void => {
      isLost = true
      if (link !== undefined && this.#link === link) this.#lose(why)
    }
    let link: RedisLink | undefined
    try {
      const dial = { address: this.#address, timeoutMs, signal: attempt.signal }
      link = await RedisLink.open(dial, this.#attempts, lost)
      for (const subscription of this.#config.redisSubscriptions) {
        const { channel, pattern } = subscription
        const listener = this.#listener(new Mapping(subscription))
        if (channel !== undefined) await link.subscribe('channel', channel, listener)
        else await link.subscribe('pattern', pattern as string, listener)
      }
    } catch (error) {
      link?.close()
      attempt.abort()
      throw error
    }
    if (isLost) throw new Error('lost while subscribing')
    if (this.#isStopped) link.close()
    else this.#rise(link)
  }

  #rise(link: RedisLink): void {
    const downSeconds = this.#change() / 1000
    this.#link = link
    this.#error = undefined
    this.#connects++
    this.#log.info({ address: redactUrl(this.#config.redisUrl), downSeconds }, 'source up')
    this.#changed()
  }

  #lose(why: string): void {
    this.#link = undefined
    if (this.#change() > BACKOFF_MS_MAX) this.#attempts = 0
    this.#fail(why)
    this.#changed()
    this.#later()
  }

  /** It is up or down from now on. @returns for how long it was the other, in ms */
  #change(): number {
    const last = this.#changedAt
    this.#since = Date.now()
    this.#changedAt = performance.now()
    return this.#changedAt - last
  }

  /** Logged once for each reason in a row: a server that stays away is one event, not hundreds. */
  #fail(why: string): void {
    if (this.#error !== why) this.#log.warn({ error: why }, 'source down')
    this.#error = why
  }

  #later(): void {
    const backoff = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** this.#attempts++)
    // Half of it at random: servers that lost one Redis together must not come back together.
    const delay = backoff * (0.5 + Math.random() / 2)
    this.#retry = setTimeout(() => void this.#try(), delay)
  }

  async #try(): Promise<void> {
    try {
      await this.#connect()
    } catch (error) {
      if (this.#isStopped) return
      this.#fail(reasonOf(error))
      this.#later()
    }
  }

  #listener(mapping: Mapping): (message: Buffer, channel: Buffer) => void {
    const { messageBytesMax } = this.#config
    return (message, channel) => {
      const target = mapping.targetOf(channel)
      if (target instanceof Fault) {
        this.#refused++
        this.#complain(target.code, target.detail)
        return
      }
      if (message.length > messageBytesMax) {
        this.#refused++
        this.#complain('too_large', `${message.length} bytes, limit ${messageBytesMax}`)
        return
      }
      let data = message
      if (!isUtf8(message)) {
        this.#replaced++
        data = Buffer.from(message.toString())
      }
      if (this.#sink.publish(target.topic, target, data)) this.#received++
      else {
        this.#dropped++
        this.#complain('overloaded', 'subscribers wait for earlier events')
      }
    }
  }

  #complain(code: string, detail: string): void {
    const now = performance.now()
    const last = this.#complained.get(code)
    if (last !== undefined && now - last < COMPLAINT_PERIOD_MS) return
    this.#complained.set(code, now)
    this.#log.warn({ code, detail }, 'message not taken')
  }
}
