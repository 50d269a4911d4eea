// Where a thread waits for what it asked of the shards: an ask goes to the hub, every shard answers in
// parts. Any thread that asks; what is made of the parts is for status.ts and the lists.
import type { Part, Query } from '../hub/inquiry.ts'
import type { Answer, DispatcherState } from '../hub/message.ts'

/** A shard that does not answer within this is reported as missing, in ms. */
const WAIT_MS_MAX = 2000

/** What came. */
export interface Gathered<P extends Part> {
  /** As of the ask; undefined where not even the hub answered. */
  readonly state: DispatcherState | undefined
  /** Of each shard that answered, its parts in order. */
  readonly parts: ReadonlyMap<number, readonly P[]>
  /** Shards that did not answer, or not to the end. */
  readonly missing: readonly number[]
}

type PartFor<Q extends Query> = Extract<Part, { kind: Q['kind'] }>

interface Ask {
  readonly done: (gathered: Gathered<Part>) => void
  readonly parts: Map<number, Part[]>
  readonly timer: NodeJS.Timeout
  /** Shards whose last part has not come; undefined until the hub named them. */
  missing: Set<number> | undefined
  state: DispatcherState | undefined
}

export class Desk {
  readonly #asks = new Map<number, Ask>()
  readonly #send: (ask: number, query: Query) => void
  #lastAsk = 0

  /** @param send sends an ask to the hub */
  constructor(send: (ask: number, query: Query) => void) {
    this.#send = send
  }

  /** Calls `done` once all parts are here, at the latest after WAIT_MS_MAX. */
  ask<Q extends Query>(query: Q, done: (gathered: Gathered<PartFor<Q>>) => void): void {
    const number = ++this.#lastAsk
    this.#asks.set(number, {
      // A shard answers with parts of the kind that it was asked for.
      done: done as (gathered: Gathered<Part>) => void,
      parts: new Map(),
      timer: setTimeout(() => this.#finish(number), WAIT_MS_MAX),
      missing: undefined,
      state: undefined,
    })
    this.#send(number, query)
  }

  receive(answer: Answer): void {
    const ask = this.#asks.get(answer.ask)
    if (ask === undefined) return
    if (answer.type === 'expect') {
      ask.missing = new Set(answer.shards)
      ask.state = answer.state
    } else {
      const { part } = answer
      const parts = ask.parts.get(part.shard)
      if (parts === undefined) ask.parts.set(part.shard, [part])
      else parts.push(part)
      if (part.last) ask.missing?.delete(part.shard)
    }
    if (ask.missing?.size === 0) this.#finish(answer.ask)
  }

  #finish(number: number): void {
    const { done, parts, missing, state, timer } = this.#asks.get(number) as Ask
    this.#asks.delete(number)
    clearTimeout(timer)
    done({ state, parts, missing: [...(missing ?? [])] })
  }
}
