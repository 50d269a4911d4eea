// A thread of the load client that subscribes: connects, counts every delivery, checks its order
// and takes its latency. Started by fanout.ts through thread.ts.
import { connect, type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'
import { Body, type Piece } from './body.ts'
import { nowUs } from './clock.ts'
import { LatencyHistogram } from './histogram.ts'
import {
  BYTES,
  DELIVERIES,
  type FromSubscribers,
  type Schedule,
  type SubscriberTask,
  type ToSubscribers,
} from './message.ts'
import { Scanner, type ScanState } from './scanner.ts'
import { numberAt, STAMP_DIGITS, STAMP_MARK } from './stamp.ts'

/** Connections that wait for their first byte, where they need not come all at once. */
const WAITING_MAX = 128
/** Some servers send nothing before the first event. */
const SILENCE_MS = 3_000
/** The shortest `data:` frame that counts, and what of its text goes into the order's hash. */
const FRAME_BYTES_MIN = 10
const HASHED_BYTES = 4
const FNV_PRIME = 16_777_619

const { task } = workerData as { task: SubscriberTask }
const { selections, publishers } = task
const isStamped = task.marking === 'stamp'
const scanner = isStamped
  ? new Scanner(STAMP_MARK, STAMP_DIGITS, task.eventBytes - 16)
  : new Scanner('data:', HASHED_BYTES, FRAME_BYTES_MIN)
const counters = new Float64Array(task.counters)
const latency = new LatencyHistogram()

const count = selections.reduce((sum, { count }) => sum + count, 0)
const selectionOf = new Uint16Array(count)
const got = new Uint32Array(count)
const orderHash = new Int32Array(count)
const isClosed = new Uint8Array(count)
/** Of each subscriber and publisher, the number that came last. */
const lastNumber = new Int32Array(count * publishers).fill(-1)

let schedule: Schedule = {
  startUs: 0,
  periodUs: 0,
  count: 0,
  fromNumber: 0,
  toNumber: 0,
  giveUpUs: 0,
}
let orderErrors = 0
let deliveries = 0
let bytesRead = 0
let isFinished = false

const sockets: Socket[] = []
let opened = 0
let connected = 0
let firstUs = 0
let refusal: string | undefined
let connectMore: () => void = () => {}

const piece: Piece = { from: 0, to: 0 }

class Subscriber {
  readonly #index: number
  readonly #body = new Body()
  readonly #scan: ScanState = Scanner.state()

  constructor(index: number) {
    this.#index = index
  }

  read(readBytes: number): void {
    const now = nowUs()
    const end = scanner.readStart + readBytes
    piece.to = scanner.readStart
    if (this.#body.status === undefined) {
      if (!this.#body.next(scanner.bytes, piece, end)) {
        if (this.#body.status !== undefined) this.#opened()
        return
      }
      this.#opened()
      this.#take(now)
    }
    while (this.#body.next(scanner.bytes, piece, end)) this.#take(now)
    counters[DELIVERIES] = deliveries
    bytesRead += readBytes
    counters[BYTES] = bytesRead
  }

  #opened(): void {
    const { status } = this.#body
    if (status !== 200) refusal ??= `a subscriber got status ${status}`
    open()
  }

  /** Takes the events of one piece. */
  #take(now: number): void {
    const { bytes } = scanner
    const { startUs, periodUs, fromNumber, toNumber } = schedule
    const index = this.#index
    let hash = orderHash[index] as number
    scanner.begin(this.#scan, piece.from, piece.to)
    for (;;) {
      const at = scanner.next()
      if (at === -1) break
      if (isStamped) {
        const number = numberAt(bytes, at, STAMP_DIGITS)
        const slot = index * publishers + (number % publishers)
        // It came before, or later than one that was published after it. It does not count as
        // delivered: two of one must not make up for none of another.
        if (number <= (lastNumber[slot] as number)) {
          orderErrors++
          continue
        }
        lastNumber[slot] = number
        hash = Math.imul(hash ^ number, FNV_PRIME)
        if (number >= fromNumber && number < toNumber) {
          latency.record(now - startUs - number * periodUs)
        }
      } else {
        for (let byte = at; byte < at + HASHED_BYTES; byte++) {
          hash = Math.imul(hash ^ (bytes[byte] as number), FNV_PRIME)
        }
      }
      deliveries++
      ;(got[index] as number)++
    }
    scanner.end(this.#scan)
    orderHash[index] = hash
  }
}

/** A subscriber has the head of its answer. */
function open(): void {
  opened++
  if (opened === count) reportOpen(nowUs() - firstUs)
  else connectMore()
}

let isReported = false

function reportOpen(untilLastUs: number | undefined): void {
  if (isReported) return
  isReported = true
  post({ type: 'open', untilLastUs, refusal })
}

function post(message: FromSubscribers): void {
  parentPort?.postMessage(message)
}

function requestFor(path: string): Buffer {
  const { host, port, headers } = task
  const head = `GET ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nAccept: text/event-stream\r\n`
  return Buffer.from(`${head}${headers}\r\n`)
}

/** A socket that is ready to connect. */
function prepare(index: number, request: Buffer): Socket {
  const subscriber = new Subscriber(index)
  // One buffer for all: a read is done with before the next one begins.
  const onread: OnReadOpts = {
    buffer: scanner.readBuffer,
    callback: (readBytes) => {
      subscriber.read(readBytes)
      return true
    },
  }
  // The types have this option for `connect` only.
  const socket = new Socket({ onread } as SocketConstructorOpts)
  socket.on('connect', () => {
    socket.write(request)
    connected++
    if (connected === count) setTimeout(() => reportOpen(undefined), SILENCE_MS)
  })
  socket.on('error', (error) => {
    refusal ??= error.message
  })
  socket.on('close', () => {
    if (isFinished) return
    isClosed[index] = 1
    if (!isReported) reportOpen(undefined)
  })
  return socket
}

function stall(request: Buffer): void {
  const socket = connect({ host: task.host, port: task.port })
  socket.pause()
  socket.on('error', () => {})
  socket.write(request)
  sockets.push(socket)
}

function connectAll(): void {
  for (const [selection, { path, count }] of selections.entries()) {
    selectionOf.fill(selection, sockets.length, sockets.length + count)
    const request = requestFor(path)
    for (let index = 0; index < count; index++) sockets.push(prepare(sockets.length, request))
  }
  for (let index = 0; index < task.stalled; index++) stall(requestFor(selections[0]?.path ?? ''))
  const { host, port, isAtOnce } = task
  const waitingMax = isAtOnce ? count : WAITING_MAX
  let next = 0
  connectMore = () => {
    while (next < count && next - opened < waitingMax) sockets[next++]?.connect({ host, port })
  }
  firstUs = nowUs()
  connectMore()
  if (count === 0) reportOpen(0)
}

function finish(): void {
  isFinished = true
  post({
    type: 'report',
    selection: selectionOf,
    got,
    orderHash,
    isClosed,
    orderErrors,
    latency: latency.toText(),
  })
  for (const socket of sockets) socket.destroy()
  parentPort?.close()
}

parentPort?.on('message', (message: ToSubscribers) => {
  if (message.type === 'connect') connectAll()
  else if (message.type === 'schedule') schedule = message.schedule
  else finish()
})
post({ type: 'ready' })
