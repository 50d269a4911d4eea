// Starts the shards as tasks of one Piscina pool, starts those again that die, stops them all.
// Main thread. Owns the hub.
import { fileURLToPath } from 'node:url'
import { MessageChannel } from 'node:worker_threads'
import type { Logger } from 'pino'
import { Piscina } from 'piscina'
import type { Config } from '../config/option.ts'
import { CarillonError } from '../error.ts'
import { addonFolders, placeAddon } from './addon.ts'
import { Hub } from './hub.ts'
import type { OwnFigures } from './ledger.ts'
import type { Renewed, ShardTask } from './message.ts'
import { Renewal } from './renewal.ts'

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
  /**
   * Opened with the first shard: a start that fails before that, for want of Redis, must not end
   * threads that are loading their modules, which aborts the process (Node 20.20).
   */
  #pool: Piscina<ShardTask, void> | undefined
  readonly #running = new Set<Promise<void>>()
  readonly #listening = new Set<number>()
  readonly #renewal = new Renewal()
  readonly #deaths = new Map<number, number[]>()
  /** Of each shard the timer that starts it again. */
  readonly #restarts = new Map<number, NodeJS.Timeout>()
  /** One listen socket for all, in shard 0, because the system cannot share a port. */
  readonly #isHandover: boolean
  /** From where the shards of a single-file executable load their addon. */
  #addonFolder: string | undefined
  #isStarted = false
  #isStopping = false

  /** Settles `start`; later calls do nothing. */
  #started: () => void = () => {}
  #startFailed: (error: CarillonError) => void = () => {}

  /** @param port that every shard listens on; known to be free */
  constructor(config: Config, port: number, log: Logger, own: () => OwnFigures) {
    this.#config = config
    this.#port = port
    this.#log = log
    const { portSharing } = config
    this.#isHandover =
      portSharing === 'handover' || (portSharing === 'auto' && process.platform !== 'linux')
    this.hub = new Hub(config, own, {
      started: (shard, descriptor) => this.#shardStarted(shard, descriptor),
      listening: (shard, hasPort) => this.#shardListens(shard, hasPort),
      renewed: (shard, answer) => this.#shardRenewed(shard, answer),
    })
  }

  /** Starts all shards; resolves when each listens. @throws CarillonError */
  async start(): Promise<void> {
    this.#addonFolder = placeAddon(addonFolders(this.#config))?.folder
    const started = new Promise<void>((resolve, reject) => {
      this.#started = resolve
      this.#startFailed = reject
    })
    for (let shard = 0; shard < this.#config.threads; shard++) this.#run(shard)
    await started
    this.#isStarted = true
    this.hub.start()
  }

  /** New connections get the certificate that the files hold now. @throws CarillonError */
  async renewCertificate(): Promise<void> {
    if (this.#isStopping) return
    await this.#renewal.ask(this.hub.shards, (shard) => this.hub.tell(shard, { type: 'renew' }))
  }

  /** Delivers what was accepted, closes all streams and ends all shards within so many ms. */
  async stop(withinMs: number): Promise<void> {
    const begun = performance.now()
    this.#isStopping = true
    for (const restart of this.#restarts.values()) clearTimeout(restart)
    await this.hub.drain()
    this.hub.finish(Math.max(0, withinMs - (performance.now() - begun)))
    await Promise.all(this.#running)
    this.hub.close()
    await this.#pool?.destroy()
  }

  #openPool(): Piscina<ShardTask, void> {
    const { threads } = this.#config
    const pool = new Piscina<ShardTask, void>({
      filename: fileURLToPath(new URL('../thread.js', import.meta.url)),
      minThreads: threads,
      maxThreads: threads,
      idleTimeout: Number.POSITIVE_INFINITY,
      // A shard's thread must serve its sockets, not sleep in Atomics.wait for a next task.
      atomics: 'disabled',
      workerData: { addonFolder: this.#addonFolder },
    })
    // A worker's error also rejects its task, where it is dealt with.
    pool.on('error', () => {})
    return pool
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
    this.#pool ??= this.#openPool()
    const running = this.#pool
      .run(task, { transferList: [port2] })
      .catch((error: unknown) => this.#died(shard, error))
      .finally(() => {
        this.#running.delete(running)
        this.hub.remove(shard)
        this.#renewal.gone(shard)
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

  #shardRenewed(shard: number, { fault, descriptor, replaced }: Renewed): void {
    if (this.#isHandover && fault === undefined) {
      this.hub.tell(0, { type: 'adopt', descriptor })
      this.hub.tell(0, { type: 'disown', descriptor: replaced })
    }
    this.#renewal.answered(shard, fault)
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
    const now = performance.now()
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
