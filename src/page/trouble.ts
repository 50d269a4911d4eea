// What an operator looks for when something is wrong: sources, slow subscribers, and refused requests.
import { age, bytes, count, timeOfDay } from './figure.ts'
import { Rows } from './rows.ts'
import { ask } from './server.ts'
import type { Snapshot, SourceFigures } from './snapshot.ts'
import { whileSeen } from './view.ts'

interface SlowRow {
  readonly client_ip: string
  readonly user_agent: string
  readonly namespace: string
  readonly lag_bytes: number
  readonly lag_seconds: number
  readonly msgs_skipped: number
}

interface SlowRecord extends SlowRow {
  readonly at: number
  readonly action: 'closed' | 'skipped'
  readonly reason: 'lag_bytes' | 'lag_seconds'
}

const REASONS = { lag_bytes: 'too many bytes behind', lag_seconds: 'behind for too long' } as const

function bodyOf(table: HTMLTableElement): HTMLTableSectionElement {
  return table.tBodies[0] ?? table.createTBody()
}

export function sourceRows(table: HTMLTableElement): (snapshot: Snapshot) => void {
  const rows = new Rows<SourceFigures>(
    bodyOf(table),
    [
      { title: 'Source', text: ({ name }) => name },
      { title: 'Address', text: ({ address }) => address },
      { title: 'State', text: ({ state, since }) => `${state} for ${age(since)}` },
      { title: 'Received', text: (row) => count(row.msgs_received), isNumber: true },
      { title: 'Refused', text: (row) => count(row.msgs_refused), isNumber: true },
      { title: 'Dropped', text: (row) => count(row.msgs_dropped), isNumber: true },
      { title: 'Last error', text: ({ error }) => error ?? '' },
    ],
    'No source: events come over HTTP only.',
  )
  return ({ sources }) => rows.show(sources)
}

export function refusedRows(table: HTMLTableElement): (snapshot: Snapshot) => void {
  const rows = new Rows<readonly [string, number]>(
    bodyOf(table),
    [
      { title: 'Code', text: ([code]) => code },
      { title: 'Answers', text: ([, times]) => count(times), isNumber: true },
    ],
    'No request was refused.',
  )
  return ({ refused }) => rows.show(Object.entries(refused).toSorted(([, a], [, b]) => b - a))
}

/** Reads laggards anew while the page is seen and one of the tables is in view. */
export function slowRows(
  now: HTMLTableElement,
  recently: HTMLTableElement,
  token: () => string,
): void {
  const who = [
    { title: 'Address', text: (row: SlowRow) => row.client_ip },
    { title: 'Topic', text: (row: SlowRow) => row.namespace },
    { title: 'Agent', text: (row: SlowRow) => row.user_agent },
    { title: 'Lag', text: (row: SlowRow) => bytes(row.lag_bytes), isNumber: true },
  ]
  const slowest = new Rows<SlowRow>(
    bodyOf(now),
    [...who, { title: 'For', text: (row) => `${row.lag_seconds.toFixed(1)} s`, isNumber: true }],
    'Nobody lags.',
  )
  const recent = new Rows<SlowRecord>(
    bodyOf(recently),
    [
      { title: 'At', text: ({ at }) => timeOfDay(at) },
      { title: 'What', text: ({ action, reason }) => `${action}: ${REASONS[reason]}` },
      ...who,
    ],
    'Nobody was closed or skipped.',
  )
  let isAsking = false
  const refresh = async (): Promise<void> => {
    if (isAsking) return
    isAsking = true
    try {
      const page = (await (await ask('slow.json', { token: token() })).json()) as {
        slowest: SlowRow[]
        slow_recently: SlowRecord[]
      }
      slowest.show(page.slowest)
      recent.show(page.slow_recently.toReversed())
    } catch {
      // Where the server is away or wants another token, the page says so already.
    } finally {
      isAsking = false
    }
  }
  whileSeen([now, recently], () => void refresh())
}
