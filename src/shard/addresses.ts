// What each client's address has of this server: streams open, and requests that publish. Shard
// thread; off, and not there at all, unless an option limits one of them.
//
// Shards share no memory, so each tells the hub what changed, a moment later, and hears of the
// others. What comes on several shards within such a moment may pass a limit; a debt evens out the
// rate over time.
import type { Logger } from 'pino'
import type { Config } from '../config/option.ts'
import { setCount } from '../hub/address-book.ts'
import type { AddressUse } from '../hub/message.ts'
import { AddressPace } from './address-pace.ts'

/** How long changes wait to be told together, in ms. */
const TELL_MS = 25
/** A limit that is met is logged once in this time, in ms: a flood must not flood the log. */
const LINE_PERIOD_MS = 60_000

type Limit = 'addressSubscribersMax' | 'addressPostsPerSecondMax'

export class Addresses {
  streamsRefused = 0
  publishesRefused = 0
  readonly #config: Config
  readonly #log: Logger
  readonly #tell: (use: AddressUse) => void
  readonly #now: () => number
  readonly #pace: AddressPace | undefined
  /** Streams by address: here, and in each other shard. */
  readonly #own = new Map<string, number>()
  readonly #others = new Map<number, Map<string, number>>()
  /** Of each address that changed since the last telling, the requests since then. */
  readonly #untold = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined
  readonly #lineAt = new Map<Limit, number>()

  /** Nothing where no limit is set. */
  static of(config: Config, log: Logger, tell: (use: AddressUse) => void): Addresses | undefined {
    const { addressSubscribersMax, addressPostsPerSecondMax } = config
    if (addressSubscribersMax === 0 && addressPostsPerSecondMax === 0) return undefined
    return new Addresses(config, log, tell)
  }

  /** @param now a clock that nobody sets, in ms */
  constructor(
    config: Config,
    log: Logger,
    tell: (use: AddressUse) => void,
    now: () => number = () => performance.now(),
  ) {
    this.#config = config
    this.#log = log
    this.#tell = tell
    this.#now = now
    const { addressPostsPerSecondMax: perSecond } = config
    if (perSecond > 0) this.#pace = new AddressPace(perSecond)
  }

  /** May it open one more stream? Counts those that may not. */
  admitsStream(address: string): boolean {
    const max = this.#config.addressSubscribersMax
    if (max === 0 || this.streamsOf(address) < max) return true
    this.streamsRefused++
    this.#complain('addressSubscribersMax', address)
    return false
  }

  /** A stream of it was opened (1) or has ended (-1). */
  changed(address: string, by: 1 | -1): void {
    if (this.#config.addressSubscribersMax === 0) return
    setCount(this.#own, address, (this.#own.get(address) ?? 0) + by)
    this.#note(address, 0)
  }

  /** May it publish now? Counts what may not. */
  admitsPublish(address: string): boolean {
    if (this.#pace === undefined) return true
    if (this.#pace.admit(address, this.#now())) {
      this.#note(address, 1)
      return true
    }
    this.publishesRefused++
    this.#complain('addressPostsPerSecondMax', address)
    return false
  }

  /** Streams that it has on all shards, as far as this one has heard. */
  streamsOf(address: string): number {
    let streams = this.#own.get(address) ?? 0
    for (const counts of this.#others.values()) streams += counts.get(address) ?? 0
    return streams
  }

  /** What another shard told. */
  heard(shard: number, { addresses, streams, publishes }: AddressUse): void {
    const counts = this.#others.get(shard) ?? new Map<string, number>()
    this.#others.set(shard, counts)
    const now = this.#now()
    for (const [index, address] of addresses.entries()) {
      setCount(counts, address, streams[index] as number)
      const spent = publishes[index] as number
      if (spent > 0) this.#pace?.spend(address, spent, now)
    }
  }

  close(): void {
    clearTimeout(this.#timer)
  }

  #note(address: string, publishes: number): void {
    if (this.#config.threads === 1) return
    this.#untold.set(address, (this.#untold.get(address) ?? 0) + publishes)
    this.#timer ??= setTimeout(() => this.#tellNow(), TELL_MS)
  }

  #tellNow(): void {
    this.#timer = undefined
    const addresses = [...this.#untold.keys()]
    const streams = addresses.map((address) => this.#own.get(address) ?? 0)
    const publishes = [...this.#untold.values()]
    this.#untold.clear()
    this.#tell({ addresses, streams, publishes })
  }

  #complain(limit: Limit, address: string): void {
    const now = this.#now()
    if (now - (this.#lineAt.get(limit) ?? Number.NEGATIVE_INFINITY) < LINE_PERIOD_MS) return
    this.#lineAt.set(limit, now)
    this.#log.warn({ limit, value: this.#config[limit], address }, 'an address is at its limit')
  }
}
