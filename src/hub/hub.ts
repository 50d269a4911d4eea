// The hub knows every shard: it takes their events into the one order, weighs their backlog, and so
// tells whether publishers must wait, and passes on what shards ask of each other. Main thread.
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import type { Config } from '../config/option.ts'
import type { Batch } from '../event/batch.ts'
import { Rollups } from '../rollup/rollup.ts'
import { AddressBook } from './address-book.ts'
import { Headcount } from './headcount.ts'
import { Inlet } from './inlet.ts'
import type { Query } from './inquiry.ts'
import { Ledger, type OwnFigures } from './ledger.ts'
import {
  type Answer,
  type DispatcherState,
  type HubToShard,
  type Renewed,
  type ShardToHub,
  type SourceState,
  unknownMessage,
} from './message.ts'
import { monotonicMs } from './monotonic.ts'
import { Rate } from './rate.ts'
import { RelaySender } from './relay.ts'
import { Sequencer } from './sequencer.ts'

/** How often the totals of all shards are told to all shards, in ms. */
const STATE_PERIOD_MS = 1000

/** The main thread, where shards have their numbers: in who asks. */
const MAIN = -1

interface Shard {
  readonly port: MessagePort
  /** The relay's position up to which it has written; undefined until it hears the relay. */
  acked: number | undefined
  drained: boolean
}

/** What the hub tells its supervisor. */
export interface HubEvents {
  readonly started: (shard: number, descriptor: number) => void
  readonly listening: (shard: number, hasPort: boolean) => void
  readonly renewed: (shard: number, answer: Renewed) => void
}

export class Hub {
  readonly relay = new RelaySender()
  /** Start of the dispatcher, Unix ms. */
  readonly startedAt = Date.now()
  /** Where events of this thread come in: those of sources. */
  readonly inlet: Inlet
  /** What events come from besides the shards; the state names them. */
  readonly sources: { readonly state: SourceState }[] = []
  /** Takes the answers to `ask`. */
  onAnswer: (answer: Answer) => void = () => {}
  readonly #shards = new Map<number, Shard>()
  readonly #limits: Pick<Config, 'backlogBytesMax' | 'connectionsMax'>
  readonly #ledger: Ledger
  readonly #events: HubEvents
  readonly #timer: NodeJS.Timeout
  readonly #rollups: Rollups
  readonly #addresses = new AddressBook((shard, use) => {
    if (!this.#isClosed) this.relay.send({ type: 'addresses', shard, use })
  })
  readonly #headcount = new Headcount((counts) => {
    if (!this.#isClosed) this.relay.send({ type: 'connections', counts })
  })
  #isClosed = false

  readonly #sequencer: Sequencer
  /** Of the events of all. */
  readonly #rate = new Rate(0, monotonicMs())
  #reason: DispatcherState['reason'] = 'starting'
  #overloaded = false
  #drained: (() => void) | undefined

  constructor(config: Config, own: () => OwnFigures, events: HubEvents) {
    const { backlogBytesMax, connectionsMax } = config
    this.#limits = { backlogBytesMax, connectionsMax }
    this.#ledger = new Ledger(own)
    this.#events = events
    this.#sequencer = new Sequencer((ordered) => {
      this.relay.send({ type: 'batch', ...ordered })
      this.#weigh()
    })
    this.#rollups = new Rollups(config, (batch) => {
      this.#sequencer.append(batch, monotonicMs())
    })
    this.inlet = new Inlet(
      (batch) => this.#take(batch, monotonicMs()),
      () => this.#overloaded,
    )
    this.#timer = setInterval(() => {
      this.#rate.sample(this.#sequencer.eventCount, monotonicMs())
      this.tellState()
    }, STATE_PERIOD_MS)
    this.#timer.unref()
  }

  /** A shard whose messages come over this port. Its number may have belonged to one that died. */
  add(number: number, port: MessagePort): void {
    const shard: Shard = { port, acked: undefined, drained: false }
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
    this.#headcount.set(number, 0)
    this.#addresses.forget(number)
    this.#ledger.bury(number)
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
  finish(withinMs: number): void {
    this.relay.send({ type: 'finish', withinMs })
  }

  /** To one shard; nothing where it is gone. */
  tell(number: number, message: HubToShard): void {
    this.#shards.get(number)?.port.postMessage(message)
  }

  /** The numbers of the shards that there are. */
  get shards(): number[] {
    return [...this.#shards.keys()]
  }

  /** Asks every shard. Answered to `onAnswer`. */
  ask(ask: number, query: Query): void {
    this.#askAll(MAIN, ask, query)
  }

  close(): void {
    this.#isClosed = true
    clearInterval(this.#timer)
    for (const shard of this.#shards.values()) shard.port.close()
    this.relay.close()
  }

  #receive(number: number, shard: Shard, message: ShardToHub): void {
    switch (message.type) {
      case 'batch':
        this.#take(message.batch, message.acceptedMs, number)
        return
      case 'ack':
        shard.acked = message.position
        this.#weigh()
        return
      case 'report':
        this.#ledger.take(number, message.report)
        return
      case 'connections':
        this.#headcount.set(number, message.count)
        return
      case 'addresses':
        this.#addresses.take(number, message.use)
        return
      case 'started':
        shard.acked = this.#sequencer.position
        this.#events.started(number, message.descriptor)
        // Else a shard started again would say that it is starting until the next period.
        this.tellState()
        // It must hear how many the others have.
        this.#headcount.set(number, 0)
        this.#addresses.retell()
        return
      case 'listening':
        this.#events.listening(number, message.hasPort)
        return
      case 'renewed':
        this.#events.renewed(number, message)
        return
      case 'ask':
        this.#askAll(number, message.ask, message.query)
        return
      case 'part':
        this.#answer(message.to, { type: 'part', ask: message.ask, part: message.part })
        return
      case 'drained':
        shard.drained = true
        this.#checkDrained()
        return
      default:
        throw unknownMessage(message)
    }
  }

  #askAll(from: number, ask: number, query: Query): void {
    const { shards } = this
    this.#answer(from, { type: 'expect', ask, shards, state: this.state })
    for (const shard of shards) this.tell(shard, { type: 'ask', ask, from, query })
  }

  #answer(to: number, answer: Answer): void {
    if (to === MAIN) this.onAnswer(answer)
    else this.tell(to, answer)
  }

  /** @param shard that it comes from, if from one */
  #take(batch: Batch, acceptedMs: number, shard?: number): void {
    this.#sequencer.append(batch, acceptedMs, shard)
    this.#rollups.count(batch)
  }

  /** What the slowest shard has still to write. */
  get #backlogBytes(): number {
    const { position } = this.#sequencer
    let backlog = 0
    for (const { acked } of this.#shards.values()) {
      if (acked !== undefined) backlog = Math.max(backlog, position - acked)
    }
    return backlog
  }

  /** Raises `overloaded` past the bound, and clears it at half of it so that it does not flap. */
  #weigh(): void {
    const { backlogBytesMax } = this.#limits
    const bound = this.#overloaded ? backlogBytesMax / 2 : backlogBytesMax
    const overloaded = this.#backlogBytes > bound
    if (overloaded === this.#overloaded) return
    this.#overloaded = overloaded
    this.tellState()
  }

  /** Tells every shard how things stand. By itself that happens every second. */
  tellState(): void {
    this.relay.send({ type: 'state', state: this.state })
  }

  /** How things stand. */
  get state(): DispatcherState {
    let threads = 0
    for (const { acked } of this.#shards.values()) if (acked !== undefined) threads++
    const sources = this.sources.map(({ state }) => state)
    const isDown = this.#reason === 'ready' && sources.some(({ isUp }) => !isUp)
    const reason = isDown ? 'source_down' : this.#reason
    return {
      ready: reason === 'ready',
      reason,
      overloaded: this.#overloaded,
      threads,
      events: this.#sequencer.eventCount,
      eventsPerSecond: this.#rate.perSecond,
      backlogBytes: this.#backlogBytes,
      ...this.#limits,
      totals: this.#ledger.totals,
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
    this.#sequencer.flush()
    this.#drained()
  }
}
