// The status document: who is connected, oldest first, and how sources and rollups stand. Asked for
// in a shard (GET /admin/status.json) or in the main thread (its report); every shard sends its rows
// in pages, which the hub only passes on.

import { SLOW_ROWS_MAX, worstFirst } from '../hub/ledger.ts'
import type {
  DispatcherState,
  SourceState,
  StatusAnswer,
  StatusPart,
  Totals,
} from '../hub/message.ts'
import type { RollupFigures } from '../rollup/rollup.ts'
import { mergeByTime, PAGE_ROWS, slowRecord, slowRow } from './roster.ts'
import { unixSeconds } from './time.ts'

/** A shard that does not answer within this is reported as missing, in ms. */
const WAIT_MS_MAX = 2000

/** The document's text in pieces, to be written a turn each; the last one is the return value. */
export type StatusPages = Iterator<string, string>

interface Ask {
  readonly done: (pages: StatusPages) => void
  readonly parts: Map<number, StatusPart[]>
  readonly timer: NodeJS.Timeout
  /** Shards whose last page has not come; undefined until the hub named them. */
  missing: Set<number> | undefined
  state: DispatcherState | undefined
}

/** The asks of this thread that wait for the shards' rows. */
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

  /** Calls `done` with the document once the rows are here, at the latest after WAIT_MS_MAX. */
  open(done: (pages: StatusPages) => void): void {
    const number = ++this.#lastAsk
    const timer = setTimeout(() => this.#finish(number), WAIT_MS_MAX)
    this.#asks.set(number, { done, parts: new Map(), timer, missing: undefined, state: undefined })
    this.#ask(number)
  }

  receive(answer: StatusAnswer): void {
    const ask = this.#asks.get(answer.ask)
    if (ask === undefined) return
    if (answer.type === 'statusExpect') {
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
    const ask = this.#asks.get(number) as Ask
    this.#asks.delete(number)
    clearTimeout(ask.timer)
    ask.done(this.#pages(ask))
  }

  *#pages({ state, missing, parts }: Ask): Generator<string, string> {
    const head = {
      node: this.#node,
      status: 'OK',
      reported_at: unixSeconds(Date.now()),
      startup_time: unixSeconds(this.#startedAt),
      msgs_broadcast: state?.events ?? 0,
      threads: state?.threads ?? 0,
      ...connectionCounts(state?.totals),
      ...slowCounts(state?.totals),
      shards_missing: [...(missing ?? [])],
      sources: (state?.sources ?? []).map(sourceRow),
      rollups: (state?.rollups ?? []).map(rollupRow),
      ...slowRows([...parts.values()].flat()),
    }
    let text = `${JSON.stringify(head, null, 2).slice(0, -2)},\n  "connections": [`
    let rows = 0
    for (const row of mergeByTime([...parts.values()])) {
      if (rows > 0 && rows % PAGE_ROWS === 0) {
        yield text
        text = ''
      }
      text += `${rows === 0 ? '' : ','}\n    ${row}`
      rows++
    }
    return `${text}${rows === 0 ? '' : '\n  '}]\n}\n`
  }
}

function connectionCounts(totals: Totals | undefined): object {
  const { streamsRefused = 0, connectionsClosed = 0 } = totals?.counts ?? {}
  const { addressStreamsRefused = 0, addressPublishesRefused = 0 } = totals?.counts ?? {}
  return {
    connections_open: totals?.levels.connections ?? 0,
    streams_refused: streamsRefused,
    connections_closed_unanswered: connectionsClosed,
    streams_refused_by_address: addressStreamsRefused,
    publishes_refused_by_address: addressPublishesRefused,
  }
}

function slowCounts(totals: Totals | undefined): object {
  const { closedLagBytes = 0, closedLagSeconds = 0 } = totals?.counts ?? {}
  const { skips = 0, skippedEvents = 0 } = totals?.counts ?? {}
  return {
    subscribers_closed_slow: closedLagBytes + closedLagSeconds,
    subscribers_closed_lag_bytes: closedLagBytes,
    subscribers_closed_lag_seconds: closedLagSeconds,
    subscribers_skipped: skips,
    msgs_skipped: skippedEvents,
  }
}

/** Laggards of all shards: the slowest now, and the last that were closed or skipped. */
function slowRows(parts: readonly StatusPart[]): object {
  const slowest = worstFirst(parts.flatMap(({ slow }) => slow?.slowest ?? []))
  const recent = parts.flatMap(({ slow }) => slow?.recent ?? []).sort((a, b) => a.at - b.at)
  return {
    slowest: slowest.map(slowRow),
    slow_recently: recent.slice(-SLOW_ROWS_MAX).map(slowRecord),
  }
}

function sourceRow(source: SourceState): object {
  const { name, address, isUp, since, error, connects } = source
  return {
    name,
    address,
    state: isUp ? 'up' : 'down',
    since: unixSeconds(since),
    error: error ?? null,
    connects,
    msgs_received: source.received,
    msgs_refused: source.refused,
    msgs_replaced: source.replaced,
    msgs_dropped: source.dropped,
  }
}

function rollupRow(rollup: RollupFigures): object {
  return {
    from: rollup.from,
    to: rollup.to,
    every_ms: rollup.everyMs,
    msgs_counted: rollup.counted,
    msgs_skipped: rollup.skipped,
    msgs_published: rollup.published,
    flushed_early: rollup.flushedEarly,
  }
}
