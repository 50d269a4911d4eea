// Starts the shards as tasks of one Piscina pool, starts those again that die, stops them all.
// Main thread. Owns the hub.
import { fileURLToPath } from 'node:url'
import { MessageChannel } from 'node:worker_threads'
import type { Logger } from 'pino'
import { Piscina } from 'piscina'
import type { Config } from '../config/option.ts'
import { CarillonError } from '../error.ts'
import { Hub } from './hub.ts'
import type { ShardReport, ShardTask } from './message.ts'

/** Deaths further back than this do not count against a shard, in ms. */
const DEATHS_WINDOW_MS = 60_000
const BACKOFF_MS_MIN = 100
const BACKOFF_MS_MAX = 5000

export class Supervisor {
  /** Called once, when a shard dies again and again. The other shards still serve. */
  onFailure: (error: CarillonError) => void = () => {}

  readonly #config: Config
  readonly #port: number
  readonly #log: Logger
  readonly hub: Hub
  readonly #pool: Piscina<ShardTask, void>
  readonly #running = new Set<Promise<void>>()
  readonly #listening = new Set<number>()
  readonly #deaths = new Map<number, number[]>()
  /** Of each shard the timer that starts it again. */
  readonly #restarts = new Map<number, NodeJS.Timeout>()
  /** One listen socket for all, in shard 0, because the system cannot share a port. */
  readonly #isHandover: boolean
  #isStarted = false
  #isStopping = false

  /** Settles `start`; later calls do nothing. */
  #started: () => void = () => {}
  #startFailed: (error: CarillonError) => void = () => {}

  /** @param port that every shard listens on; known to be free */
  constructor(config: Config, port: number, log: Logger, ownReport: () => ShardReport) {
    this.#config = config
    this.#port = port
    this.#log = log
    const { portSharing } = config
    this.#isHandover =
      portSharing === 'handover' || (portSharing === 'auto' && process.platform !== 'linux')
    this.hub = new Hub(config, ownReport, {
      started: (shard, descriptor) => this.#shardStarted(shard, descriptor),
      listening: (shard, hasPort) => this.#shardListens(shard, hasPort),
    })
    this.#pool = new Piscina({
      filename: fileURLToPath(new URL('../thread.js', import.meta.url)),
      minThreads: config.threads,
      maxThreads: config.threads,
      idleTimeout: Number.POSITIVE_INFINITY,
      // A shard's thread must serve its sockets, not sleep in Atomics.wait for a next task.
      atomics: 'disabled',
    })
    // A worker's error also rejects its task, where it is dealt with.
    this.#pool.on('error', () => {})
  }

  /** Starts all shards; resolves when each listens. @throws CarillonError */
  async start(): Promise<void> {
    const started = new Promise<void>((resolve, reject) => {
      this.#started = resolve
      this.#startFailed = reject
    })
    for (let shard = 0; shard < this.#config.threads; shard++) this.#run(shard)
    await started
    this.#isStarted = true
    this.hub.start()
  }

  /** Delivers what was accepted, closes all streams and ends all shards by the deadline (Unix ms). */
  async stop(deadline: number): Promise<void> {
    this.#isStopping = true
    for (const restart of this.#restarts.values()) clearTimeout(restart)
    await this.hub.drain()
    this.hub.finish(deadline)
    await Promise.all(this.#running)
    this.hub.close()
    await this.#pool.destroy()
  }

  #run(shard: number): void {
    const { port1, port2 } = new MessageChannel()
    this.hub.add(shard, port1)
    const task: ShardTask = {
      shard,
      config: this.#config,
      port: port2,
      relay: this.hub.relay.name,
      startedAt: this.hub.startedAt,
    }
    const running = this.#pool
      .run(task, { transferList: [port2] })
      .catch((error: unknown) => this.#died(shard, error))
      .finally(() => {
        this.#running.delete(running)
        this.hub.remove(shard)
      })
    this.#running.add(running)
  }

  #shardStarted(shard: number, descriptor: number): void {
    // One that comes back during a stop has been told to drain, and must not listen after that.
    if (this.#isStopping) return
    if (this.#isHandover) this.hub.tell(0, { type: 'adopt', descriptor })
    if (this.#isHandover && shard !== 0) this.#shardListens(shard, true)
    else this.hub.tell(shard, { type: 'listen', port: this.#port })
  }

  #shardListens(shard: number, hasPort: boolean): void {
    if (!hasPort) {
      const message = `shard ${shard} cannot listen on port ${this.#port}`
      this.#fail(new CarillonError('cannot_listen', message))
      return
    }
    this.#listening.add(shard)
    if (this.#listening.size === this.#config.threads) this.#started()
  }

  /** While starting, `start` throws it; later, it cannot go on. */
  #fail(error: CarillonError): void {
    if (this.#isStarted) this.onFailure(error)
    else this.#startFailed(error)
  }

  #died(shard: number, error: unknown): void {
    const { message, stack } = error instanceof Error ? error : new Error(String(error))
    this.#log.error({ shard, error: message, stack }, 'shard died')
    const failure = new CarillonError('shard_failed', `shard ${shard} died: ${message}`, {
      cause: error,
    })
    if (this.#isStopping) return
    if (!this.#isStarted) {
      this.#fail(failure)
      return
    }
    const now = Date.now()
    const deaths = (this.#deaths.get(shard) ?? []).filter((at) => now - at < DEATHS_WINDOW_MS)
    deaths.push(now)
    this.#deaths.set(shard, deaths)
    if (this.#isHandover || deaths.length > this.#config.shardRestartsMax) {
      // In handover, shard 0 would give sockets to a thread that is gone, which is fatal anyway.
      this.#fail(failure)
      return
    }
    const backoff = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** (deaths.length - 1))
    this.#restarts.set(
      shard,
      setTimeout(() => this.#run(shard), backoff),
    )
  }
}
