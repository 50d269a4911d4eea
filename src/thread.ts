// The entry of a shard's thread: puts http, shard and ops together, and speaks with the hub.
// Piscina calls it once for each shard; the promise ends with the shard.
import type { Logger } from 'pino'
import { messageOf } from './error.ts'
import { HttpApp } from './http/app.ts'
import { Routes } from './http/routes.ts'
import { distributionsOf } from './hub/histogram.ts'
import {
  type HubToShard,
  type HubToShards,
  type ShardReport,
  type ShardTask,
  type ShardToHub,
  unknownMessage,
} from './hub/message.ts'
import { monotonicMs } from './hub/monotonic.ts'
import { RelayReceiver } from './hub/relay.ts'
import { Desk } from './ops/desk.ts'
import { watchThread } from './ops/figures.ts'
import { createLog } from './ops/log.ts'
import { reply } from './ops/reply.ts'
import { closeStreams } from './shard/closing.ts'
import { Shard } from './shard/shard.ts'

const REPORT_PERIOD_MS = 1000

class ShardThread {
  /** Resolves when the shard has stopped on purpose. */
  readonly ended: Promise<void>
  #end: () => void = () => {}

  readonly #task: ShardTask
  readonly #log: Logger
  readonly #shard: Shard
  readonly #routes: Routes
  readonly #app: HttpApp
  readonly #desk: Desk
  readonly #relay: RelayReceiver
  readonly #figures = watchThread()
  readonly #reportTimer: NodeJS.Timeout

  constructor(task: ShardTask) {
    const { config, shard: number, relay, startedAt } = task
    this.#task = task
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
    this.#log = createLog(config.logLevel, { shard: number })
    this.#shard = new Shard(config, number, this.#log, (message) => this.#post(message))
    this.#desk = new Desk((ask, query) => this.#post({ type: 'ask', ask, query }))
    this.#routes = new Routes(config, this.#shard, this.#desk, startedAt)
    this.#app = new HttpApp(config, this.#shard.census, (app) => this.#routes.install(app))
    // Also when the thread dies of an error. What was answered 200 in this turn must still reach
    // the hub; and a uWS socket that outlives its thread aborts the process.
    process.on('exit', this.#beforeExit)
    this.#relay = new RelayReceiver(relay, (message) => this.#receiveRelayed(message))
    this.#reportTimer = setInterval(() => this.#report(), REPORT_PERIOD_MS)
    task.port.on('message', (message: HubToShard) => this.#receive(message))
    this.#post({ type: 'started', descriptor: this.#app.descriptor })
    // What its first second brings is told from this one on.
    this.#report()
  }

  readonly #beforeExit = (): void => {
    this.#shard.outbox.flush()
    this.#app.close()
  }

  #post(message: ShardToHub): void {
    this.#task.port.postMessage(message)
  }

  #receive(message: HubToShard): void {
    switch (message.type) {
      case 'listen':
        this.#post({ type: 'listening', hasPort: this.#app.listen(message.port) })
        return
      case 'adopt':
        this.#app.adopt(message.descriptor)
        return
      case 'disown':
        this.#app.disown(message.descriptor)
        return
      case 'renew':
        this.#renew()
        return
      case 'ask':
        reply(this.#task.shard, this.#shard, message.query, (part) => {
          this.#post({ type: 'part', ask: message.ask, to: message.from, part })
        })
        return
      case 'expect':
      case 'part':
        this.#desk.receive(message)
        return
      case 'drain':
        this.#drain()
        return
      default:
        throw unknownMessage(message)
    }
  }

  #receiveRelayed(message: HubToShards): void {
    if (message.type === 'finish') {
      void this.#finish(message.withinMs)
      return
    }
    this.#shard.receive(message, this.#task.shard)
    if (message.type === 'state') this.#routes.tellWatchers()
  }

  #renew(): void {
    const replaced = this.#app.descriptor
    let fault: string | undefined
    try {
      this.#app.renewCertificate()
    } catch (error) {
      fault = messageOf(error)
    }
    this.#post({ type: 'renewed', fault, descriptor: this.#app.descriptor, replaced })
  }

  #drain(): void {
    this.#shard.isDraining = true
    this.#app.stopListening()
    this.#shard.outbox.flush()
    this.#post({ type: 'drained' })
  }

  async #finish(withinMs: number): Promise<void> {
    const { roster } = this.#shard
    const { reconnectMs } = this.#task.config
    await closeStreams(roster, withinMs, reconnectMs, () => this.#shard.isFlushed)
    process.off('exit', this.#beforeExit)
    this.#routes.endWatchers()
    this.#app.close()
    this.#shard.close()
    this.#relay.close()
    clearInterval(this.#reportTimer)
    this.#figures.stop()
    this.#task.port.close()
    this.#end()
  }

  #report(): void {
    const { addresses, census, feeds, meter, outbox, roster, slow } = this.#shard
    const { deliveries, deliveredBytes, writes, heartbeats, streamsOpened, streamsClosed } = meter
    const { closedLagBytes, closedLagSeconds, skips, skippedEvents } = slow
    const { heapUsedBytes, memoryBytes, cpuSeconds, ...figures } = this.#figures.read()
    const { gcCount, gcPauseNs, utilization } = figures
    const report: ShardReport = {
      levels: {
        subscribers: roster.size,
        feeds: feeds.size,
        connections: census.own,
        heapUsedBytes,
      },
      counts: {
        accepted: outbox.accepted,
        ...{ deliveries, deliveredBytes, writes, heartbeats, streamsOpened, streamsClosed },
        ...{ closedLagBytes, closedLagSeconds, skips, skippedEvents },
        streamsRefused: census.refused,
        connectionsClosed: census.closed,
        addressStreamsRefused: addresses?.streamsRefused ?? 0,
        addressPublishesRefused: addresses?.publishesRefused ?? 0,
        ...{ gcCount, gcPauseNs },
      },
      distributions: distributionsOf(meter),
      problems: this.#routes.problems,
      slowest: slow.page(roster).slowest,
      thread: { utilization, cpuSeconds, memoryBytes, lateMs: meter.takeLateMs() },
      atMs: monotonicMs(),
    }
    this.#post({ type: 'report', report })
  }
}

/** Runs a shard until it is told to finish. An uncaught error in its thread rejects the task. */
export default function runShard(task: ShardTask): Promise<void> {
  return new ShardThread(task).ended
}
