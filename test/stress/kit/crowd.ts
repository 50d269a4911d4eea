// A reader thread of the harness: opens and closes subscribers as it is told, has each followed,
// and tells the main thread what came. Started by fleet.ts through bench/load/thread.ts.
import { parentPort, workerData } from 'node:worker_threads'
import { Scanner } from '../../../bench/load/scanner.ts'
import { STAMP_DIGITS, STAMP_MARK } from '../../../bench/load/stamp.ts'
import { between, seeded } from '../../../scripts/feeder/random.ts'
import type {
  ChurnTask,
  CrowdTask,
  FromReaders,
  Manner,
  Pace,
  ReaderTask,
  ToReaders,
} from './message.ts'
import { COUNT_MAX, Follower, Order } from './order.ts'
import { Reader, type ReaderEvents } from './reader.ts'

const TICK_MS = 100
/** Connections that wait for their first byte. */
const WAITING_MAX = 256
/**
 * Addresses that subscribers connect from, in turn. From one, the kernel looks long for a free port:
 * the 16,000th connection took it 1.2 ms.
 */
const ADDRESSES = 16
const CHURN_MS = 20
const MANNERS = ['reset', 'close', 'end'] as const

const { task } = workerData as { task: ReaderTask }
const sent = new Int32Array(task.sent)
const scanner = new Scanner(STAMP_MARK, STAMP_DIGITS, task.eventBytesMin - 16)
const orders = task.paths.map(() => new Order())
/** How much of each order the main thread has. */
const told = task.paths.map(() => 0)
const crowds = new Map<string, Set<Reader>>()
const waiting: Reader[] = []
let connecting = 0
let connects = 0
let deliveries = 0
let open = 0
let ended = 0
/** An ask for openings, by crowd: how many are to come. */
const openings = new Map<string, { ask: number; left: number }>()
let settling: { ask: number; accepted: readonly Int32Array[] } | undefined
let isEnding = false
let waitsFor: string | undefined

function post(message: FromReaders): void {
  parentPort?.postMessage(message)
}

function connectMore(): void {
  while (connecting < WAITING_MAX) {
    const reader = waiting.shift()
    if (reader === undefined) return
    connecting++
    const address = `127.0.1.${1 + (connects++ % ADDRESSES)}`
    reader.connect(task.port, address, task.paths[reader.selection] as string)
  }
}

/** One that was to open has, or cannot. */
function arrived({ crowd }: Reader): void {
  connecting--
  connectMore()
  const opening = openings.get(crowd)
  if (opening === undefined || --opening.left > 0) return
  openings.delete(crowd)
  post({ type: 'answer', ask: opening.ask })
}

const events: ReaderEvents = {
  opened: (reader) => {
    const { name, selection } = reader
    const label = `subscriber ${name} (thread ${task.thread}, ${task.paths[selection]})`
    const order = orders[selection] as Order
    reader.follower = new Follower(order, label, sent, (violation, detail) =>
      post({ type: 'violation', violation, detail }),
    )
    open++
    arrived(reader)
  },
  refused: (reader, reason) => {
    crowds.get(reader.crowd)?.delete(reader)
    if (reader.mayEnd) ended++
    else {
      const detail = `subscriber ${reader.name} expected a stream, got: ${reason}`
      post({ type: 'violation', violation: 'refused', detail })
    }
    arrived(reader)
  },
  ended: (reader) => {
    // At the server's end it stays on the list: it must have had everything before.
    if (isEnding) {
      ended++
      return
    }
    forget(reader)
    if (reader.mayEnd) {
      ended++
      return
    }
    const had = `after ${reader.follower?.got} events`
    const detail = `subscriber ${reader.name} was closed by the server ${had}; no rule closes it`
    post({ type: 'violation', violation: 'closed', detail })
  },
}

function forget(reader: Reader): void {
  if (crowds.get(reader.crowd)?.delete(reader) !== true || reader.follower === undefined) return
  open--
  deliveries += reader.follower.got
}

function add(number: number, pace: Pace, { crowd, selection, mayEnd }: Visit): Reader {
  const name = `${crowd}-${number}`
  const reader = new Reader(name, crowd, selection, pace, mayEnd, scanner, events)
  let readers = crowds.get(crowd)
  if (readers === undefined) {
    readers = new Set()
    crowds.set(crowd, readers)
  }
  readers.add(reader)
  waiting.push(reader)
  return reader
}

type Visit = Pick<CrowdTask, 'crowd' | 'selection' | 'mayEnd'>

function openCrowd(ask: number, crowd: CrowdTask): void {
  if (crowd.count === 0) {
    post({ type: 'answer', ask })
    return
  }
  openings.set(crowd.crowd, { ask, left: crowd.count })
  for (let index = 0; index < crowd.count; index++) add(crowd.first + index, crowd.pace, crowd)
  connectMore()
}

function leave(reader: Reader, manner: (typeof MANNERS)[number]): void {
  forget(reader)
  reader.leave(manner)
}

function leaveCrowd(crowd: string, manner: Manner): void {
  let turn = task.thread
  for (const reader of crowds.get(crowd) ?? []) {
    leave(reader, manner === 'mixed' ? (MANNERS[turn++ % 3] as 'end') : manner)
  }
}

/** Subscribers come at the rate, each leaves by itself; answered when the last one has left. */
function churn(ask: number, visit: ChurnTask): void {
  const random = seeded(visit.seed)
  const startMs = performance.now()
  let come = 0
  let gone = 0
  const stays = new Map<Reader, number>()
  const timer = setInterval(() => {
    const nowMs = performance.now()
    const due = Math.floor(((nowMs - startMs) * visit.perSecond) / 1000)
    while (come < Math.min(due, visit.visits)) {
      const reader = add(visit.first + come++, 'prompt', visit)
      // The time begins when it is asked for: some leave before their stream is open.
      stays.set(reader, nowMs + between(random, 0, visit.stayMsMax))
    }
    connectMore()
    for (const [reader, untilMs] of stays) {
      if (untilMs > nowMs && !reader.isClosed) continue
      // One that waits for its turn to connect has not come yet.
      if (!reader.isClosed && !reader.isConnecting) continue
      stays.delete(reader)
      gone++
      if (reader.isClosed) continue
      if (reader.follower === undefined) arrived(reader)
      leave(reader, MANNERS[gone % 3] as 'end')
    }
    if (gone < visit.visits) return
    clearInterval(timer)
    post({ type: 'answer', ask })
  }, CHURN_MS)
}

function settle(): void {
  if (settling === undefined) return
  for (const readers of crowds.values()) {
    for (const { follower, selection, pace, name } of readers) {
      if (pace !== 'prompt') continue
      const lack = follower?.lacks(settling.accepted[selection] as Int32Array) ?? undefined
      if (lack === undefined) continue
      waitsFor = `subscriber ${name} (thread ${task.thread}) has not had ${lack}`
      return
    }
  }
  post({ type: 'answer', ask: settling.ask })
  settling = undefined
  waitsFor = undefined
}

function tick(): void {
  let sum = deliveries
  const least = orders.map(() => new Int32Array(task.authors).fill(COUNT_MAX))
  for (const readers of crowds.values()) {
    for (const { follower, pace, selection } of readers) {
      if (follower === undefined) continue
      follower.tick()
      sum += follower.got
      if (pace !== 'prompt') continue
      const of = least[selection] as Int32Array
      for (let author = 0; author < task.authors; author++) {
        const next = follower.next(author)
        if (next < (of[author] as number)) of[author] = next
      }
    }
  }
  settle()
  const added = orders.map((order, selection) => order.slice(told[selection] as number))
  for (const [selection, order] of orders.entries()) told[selection] = order.length
  post({ type: 'tick', deliveries: sum, open, ended, orders: added, least, waitsFor })
}

parentPort?.on('message', (message: ToReaders) => {
  if (message.type === 'open') openCrowd(message.ask, message.task)
  else if (message.type === 'churn') churn(message.ask, message.task)
  else if (message.type === 'settle') settling = message
  else if (message.type === 'leave') {
    leaveCrowd(message.crowd, message.manner)
    post({ type: 'answer', ask: message.ask })
  } else {
    isEnding = true
    for (const readers of crowds.values()) for (const reader of readers) reader.mayEnd = true
    post({ type: 'answer', ask: message.ask })
  }
})
setInterval(tick, TICK_MS)
