// The hub puts all events in one order and hands them to the relay; it also knows every shard's
// backlog, and so whether publishers must wait. Main thread; batches in, one batch a turn out.
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import type { Config } from '../config/option.ts'
import { type Batch, BatchWriter, RUN_FIELDS } from '../event/batch.ts'
import { Rollups } from '../rollup/rollup.ts'
import { Inlet } from './inlet.ts'
import {
  type DispatcherState,
  type HubToShard,
  type ShardReport,
  type ShardToHub,
  type SourceState,
  type StatusAnswer,
  unknownMessage,
} from './message.ts'
import { RelaySender } from './relay.ts'

/** How often the totals of all shards are told to all shards, in ms. */
const STATE_PERIOD_MS = 1000

/** The main thread, where shards have their numbers: in who asks for the status. */
const MAIN = -1

interface Shard {
  readonly port: MessagePort
  /** The relay's position up to which it has written; undefined until it hears the relay. */
  acked: number | undefined
  report: ShardReport | undefined
  drained: boolean
}

/** What the hub tells its supervisor. */
export interface HubEvents {
  readonly started: (shard: number, descriptor: number) => void
  readonly listening: (shard: number, hasPort: boolean) => void
}

export class Hub {
  readonly relay = new RelaySender()
  /** Start of the dispatcher, Unix ms. */
  readonly startedAt = Date.now()
  /** Where events of this thread come in: those of sources. */
  readonly inlet: Inlet
  /** What events come from besides the shards; the state names them. */
  readonly sources: { readonly state: SourceState }[] = []
  /** Takes the answers to `askStatus`. */
  onStatus: (answer: StatusAnswer) => void = () => {}
  readonly #shards = new Map<number, Shard>()
  readonly #backlogBytesMax: number
  readonly #ownReport: () => ShardReport
  readonly #events: HubEvents
  readonly #timer: NodeJS.Timeout
  readonly #rollups: Rollups

  // Batches of this turn; a lone one is relayed as it is, several are merged.
  #pending: Batch[] = []
  #origins: number[] = []
  readonly #writer = new BatchWriter()
  #scheduled = false

  /** Bytes relayed since the start. */
  #position = 0
  #eventCount = 0
  #reason: DispatcherState['reason'] = 'starting'
  #overloaded = false
  #drained: (() => void) | undefined

  constructor(config: Config, ownReport: () => ShardReport, events: HubEvents) {
    this.#backlogBytesMax = config.backlogBytesMax
    this.#ownReport = ownReport
    this.#events = events
    this.#rollups = new Rollups(config, (batch) => this.#append(batch))
    this.inlet = new Inlet(
      (batch) => this.#take(batch),
      () => this.#overloaded,
    )
    this.#timer = setInterval(() => this.tellState(), STATE_PERIOD_MS)
    this.#timer.unref()
  }

  /** A shard whose messages come over this port. Its number may have belonged to one that died. */
  add(number: number, port: MessagePort): void {
    const shard: Shard = { port, acked: undefined, report: undefined, drained: false }
    this.#shards.set(number, shard)
    port.on('message', (message: ShardToHub) => this.#receive(number, shard, message))
  }

  /** The shard is gone: what it still posted is taken, and it holds up nobody any more. */
  remove(number: number): void {
    const shard = this.#shards.get(number)
    if (shard === undefined) return
    // The end of a thread overtakes its last messages, and closing the port would drop them.
    for (
      let last = receiveMessageOnPort(shard.port);
      last;
      last = receiveMessageOnPort(shard.port)
    ) {
      this.#receive(number, shard, last.message)
    }
    shard.port.close()
    this.#shards.delete(number)
    this.#weigh()
    this.tellState()
    this.#checkDrained()
  }

  /** Every shard listens: GET /ready turns 200. */
  start(): void {
    this.#reason = 'ready'
    this.tellState()
  }

  /** Shards take nothing more; sources have stopped. Resolves when the last event is relayed. */
  drain(): Promise<void> {
    this.#reason = 'draining'
    this.tellState()
    return new Promise((resolve) => {
      this.#drained = resolve
      for (const shard of this.#shards.keys()) this.tell(shard, { type: 'drain' })
      this.#checkDrained()
    })
  }

  /** After `drain`: shards deliver what they have, close their streams and end. */
  finish(deadline: number): void {
    this.relay.send({ type: 'finish', deadline })
  }

  /** To one shard; nothing where it is gone. */
  tell(number: number, message: HubToShard): void {
    this.#shards.get(number)?.port.postMessage(message)
  }

  /** Which connections are there? Answered to `onStatus`. */
  askStatus(ask: number): void {
    this.#askAll(MAIN, ask)
  }

  close(): void {
    clearInterval(this.#timer)
    for (const shard of this.#shards.values()) shard.port.close()
    this.relay.close()
  }

  #receive(number: number, shard: Shard, message: ShardToHub): void {
    switch (message.type) {
      case 'batch':
        this.#origins.push(number, message.batch.bytes.length)
        this.#take(message.batch)
        return
      case 'ack':
        shard.acked = message.position
        this.#weigh()
        return
      case 'report':
        shard.report = message.report
        return
      case 'started':
        shard.acked = this.#position
        this.#events.started(number, message.descriptor)
        // Else a shard started again would say that it is starting until the next period.
        this.tellState()
        return
      case 'listening':
        this.#events.listening(number, message.hasPort)
        return
      case 'statusAsk':
        this.#askAll(number, message.ask)
        return
      case 'statusPart':
        this.#answer(message.to, { type: 'statusPart', ask: message.ask, part: message.part })
        return
      case 'drained':
        shard.drained = true
        this.#checkDrained()
        return
      default:
        throw unknownMessage(message)
    }
  }

  #askAll(from: number, ask: number): void {
    const shards = [...this.#shards.keys()]
    this.#answer(from, { type: 'statusExpect', ask, shards, state: this.#state() })
    for (const shard of shards) this.tell(shard, { type: 'statusAsk', ask, from })
  }

  #answer(to: number, answer: StatusAnswer): void {
    if (to === MAIN) this.onStatus(answer)
    else this.tell(to, answer)
  }

  #take(batch: Batch): void {
    this.#append(batch)
    this.#rollups.count(batch)
  }

  #append(batch: Batch): void {
    this.#pending.push(batch)
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => this.#order())
  }

  /** This is the order of all events, for every subscriber on every shard. */
  #order(): void {
    this.#scheduled = false
    const [first] = this.#pending
    if (first === undefined) return
    let batch = first
    if (this.#pending.length > 1) {
      for (const part of this.#pending) this.#writer.append(part)
      batch = this.#writer.take()
    }
    const origins = this.#origins
    this.#pending = []
    this.#origins = []
    for (let run = 0; run < batch.runs.length; run += RUN_FIELDS) {
      this.#eventCount += batch.runs[run + 1] as number
    }
    this.#position += batch.bytes.length
    this.relay.send({ type: 'batch', batch, origins, position: this.#position })
    this.#weigh()
  }

  /** Raises `overloaded` past the bound, and clears it at half of it so that it does not flap. */
  #weigh(): void {
    let backlog = 0
    for (const shard of this.#shards.values()) {
      if (shard.acked !== undefined) backlog = Math.max(backlog, this.#position - shard.acked)
    }
    const bound = this.#overloaded ? this.#backlogBytesMax / 2 : this.#backlogBytesMax
    const overloaded = backlog > bound
    if (overloaded === this.#overloaded) return
    this.#overloaded = overloaded
    this.tellState()
  }

  /** Tells every shard how things stand. By itself that happens every second. */
  tellState(): void {
    this.relay.send({ type: 'state', state: this.#state() })
  }

  #state(): DispatcherState {
    const totals: { -readonly [F in keyof ShardReport]: number } = { ...this.#ownReport() }
    let threads = 0
    for (const { report, acked } of this.#shards.values()) {
      if (acked !== undefined) threads++
      if (report === undefined) continue
      for (const field of Object.keys(report) as (keyof ShardReport)[]) {
        totals[field] += report[field]
      }
    }
    const sources = this.sources.map(({ state }) => state)
    const isDown = this.#reason === 'ready' && sources.some(({ isUp }) => !isUp)
    const reason = isDown ? 'source_down' : this.#reason
    return {
      ready: reason === 'ready',
      reason,
      overloaded: this.#overloaded,
      threads,
      events: this.#eventCount,
      totals,
      sources,
      rollups: this.#rollups.figures,
    }
  }

  #checkDrained(): void {
    if (this.#drained === undefined) return
    for (const shard of this.#shards.values()) if (!shard.drained) return
    // Each port is a queue: after `drained` comes no batch, so what is pending is the last.
    this.inlet.flush()
    this.#rollups.finish()
    this.#order()
    this.#drained()
  }
}
