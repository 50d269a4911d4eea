// GET /admin/status.json: the connections of all shards, oldest first, in one document.
// Shard thread. Every shard sends its rows in pages, a page a turn, and the asking one writes the
// document page by page: 20,000 connections disturb no flush. The hub only passes pages on.
import type { HttpResponse } from 'uWebSockets.js'
import type { DispatcherState, StatusPart } from '../hub/message.ts'
import type { Subscriber } from '../shard/subscriber.ts'

/** Rows made, sent or written in one turn: about a millisecond. */
const PAGE_ROWS = 250
/** A shard that does not answer within this is reported as missing, in ms. */
const WAIT_MS_MAX = 2000

/** Sends this shard's rows, oldest first. The roster may change meanwhile: a row is as of its turn. */
export function sendRows(
  shard: number,
  roster: ReadonlySet<Subscriber>,
  send: (part: StatusPart) => void,
): void {
  const subscribers = roster.values()
  const page = (): void => {
    const createdAt: number[] = []
    const rows: string[] = []
    let last = true
    for (const subscriber of subscribers) {
      createdAt.push(subscriber.createdAt)
      rows.push(rowOf(subscriber, shard))
      if (rows.length < PAGE_ROWS) continue
      last = false
      break
    }
    send({ shard, createdAt, rows, last })
    if (!last) setImmediate(page)
  }
  page()
}

function rowOf(subscriber: Subscriber, shard: number): string {
  const { identity, feed } = subscriber
  const row = {
    request_path: identity.requestPath,
    namespace: feed.topic,
    created_at: Math.floor(subscriber.createdAt / 1000),
    client_ip: identity.clientIp,
    user_agent: identity.userAgent,
    msgs_sent: subscriber.sent,
    lag_bytes: subscriber.lagBytes,
    shard,
  }
  return JSON.stringify(row, null, 2).replaceAll('\n', '\n    ')
}

interface Ask {
  readonly response: HttpResponse
  readonly parts: Map<number, StatusPart[]>
  readonly timer: NodeJS.Timeout
  /** Shards whose last page has not come; undefined until the hub named them. */
  missing: Set<number> | undefined
  state: DispatcherState | undefined
  isAborted: boolean
}

/** The asks of this shard that wait for other shards' rows. */
export class StatusDesk {
  readonly #asks = new Map<number, Ask>()
  readonly #node: string
  readonly #startedAt: number
  readonly #ask: (ask: number) => void
  #lastAsk = 0

  /** @param startedAt start of the dispatcher, Unix ms @param ask sends an ask to the hub */
  constructor(node: string, startedAt: number, ask: (ask: number) => void) {
    this.#node = node
    this.#startedAt = startedAt
    this.#ask = ask
  }

  /** Answers once the rows are here. Status line and headers must have been written. */
  open(response: HttpResponse): void {
    const number = ++this.#lastAsk
    const timer = setTimeout(() => this.#finish(number), WAIT_MS_MAX)
    const ask: Ask = {
      response,
      parts: new Map(),
      timer,
      missing: undefined,
      state: undefined,
      isAborted: false,
    }
    this.#asks.set(number, ask)
    response.onAborted(() => {
      ask.isAborted = true
    })
    this.#ask(number)
  }

  expect(number: number, shards: readonly number[], state: DispatcherState): void {
    const ask = this.#asks.get(number)
    if (ask === undefined) return
    ask.missing = new Set(shards)
    ask.state = state
  }

  receive(number: number, part: StatusPart): void {
    const ask = this.#asks.get(number)
    if (ask === undefined) return
    const parts = ask.parts.get(part.shard)
    if (parts === undefined) ask.parts.set(part.shard, [part])
    else parts.push(part)
    if (!part.last) return
    ask.missing?.delete(part.shard)
    if (ask.missing?.size === 0) this.#finish(number)
  }

  #finish(number: number): void {
    const ask = this.#asks.get(number) as Ask
    this.#asks.delete(number)
    clearTimeout(ask.timer)
    if (ask.isAborted) return
    const { state } = ask
    const head = {
      node: this.#node,
      status: 'OK',
      reported_at: Math.floor(Date.now() / 1000),
      startup_time: Math.floor(this.#startedAt / 1000),
      msgs_broadcast: state?.events ?? 0,
      threads: state?.threads ?? 0,
      subscribers_closed_slow: state?.totals.closedSlow ?? 0,
      shards_missing: [...(ask.missing ?? [])],
    }
    const opening = `${JSON.stringify(head, null, 2).slice(0, -2)},\n  "connections": [`
    const rows = mergeByTime([...ask.parts.values()])
    this.#write(ask, opening, rows, true)
  }

  #write(ask: Ask, before: string, rows: Iterator<string>, isFirst: boolean): void {
    let text = before
    let separator = isFirst ? '\n    ' : ',\n    '
    let next = rows.next()
    for (let row = 1; !next.done; row++) {
      text += separator + next.value
      separator = ',\n    '
      if (row === PAGE_ROWS) break
      next = rows.next()
    }
    const { response } = ask
    if (!next.done) {
      response.cork(() => response.write(text))
      setImmediate(() => {
        if (!ask.isAborted) this.#write(ask, '', rows, false)
      })
      return
    }
    const isEmpty = isFirst && separator === '\n    '
    response.cork(() => response.end(`${text}${isEmpty ? '' : '\n  '}]\n}\n`))
  }
}

/** Rows of all shards by time. Each shard's pages are in order already. */
export function* mergeByTime(shards: readonly (readonly StatusPart[])[]): Generator<string> {
  const queues = shards.map((parts) => ({
    createdAt: parts.flatMap((part) => part.createdAt),
    rows: parts.flatMap((part) => part.rows),
    at: 0,
  }))
  for (;;) {
    let oldest: (typeof queues)[number] | undefined
    for (const queue of queues) {
      if (queue.at === queue.rows.length) continue
      const isOlder =
        oldest === undefined ||
        (queue.createdAt[queue.at] as number) < (oldest.createdAt[oldest.at] as number)
      if (isOlder) oldest = queue
    }
    if (oldest === undefined) return
    yield oldest.rows[oldest.at++] as string
  }
}
