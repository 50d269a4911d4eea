// The thread of the load client that publishes: open-loop, each event when it is due, whatever
// became of those before, over a few pipelining connections. Started by fanout.ts.
import { connect, type Socket } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'
import { nowUs } from './clock.ts'
import { LatencyHistogram } from './histogram.ts'
import type { PublisherReport, PublisherTask } from './message.ts'
import { Scanner, type ScanState } from './scanner.ts'
import { eventText, numberAt, putNumber } from './stamp.ts'
import { Draw } from './zipf.ts'

/** Requests without an answer, on one connection: what is due then waits, and its latency runs. */
const INFLIGHT_MAX = 1_024
/** Bytes that the kernel has not taken, on one connection. */
const UNSENT_BYTES_MAX = 1_048_576
/** Node's timers have whole ms and may be late: what is due sooner is waited for without one. */
const TIMER_LATE_MS = 3
/** One wait without a look at the answers. */
const WAIT_MS_MAX = 0.5
/** The same where all connections are full: the other threads need the core. */
const LATE_MS = 0.2
const RECONNECT_MS = 20

const { task } = workerData as { task: PublisherTask }
const { schedule, targets, connections } = task
const draw = new Draw(task.weights)
const lateness = new LatencyHistogram()
const accepted = new Uint32Array(targets.length)
let acceptedMeasured = 0
const measuredFromUs = schedule.startUs + schedule.fromNumber * schedule.periodUs
const measuredToUs = schedule.startUs + schedule.toNumber * schedule.periodUs
let isOver = false
let errors = 0

const isHttp = task.protocol === 'http'
// Redis answers PUBLISH with ":" and a number, or with "-" and an error, which counts as none.
const scanner = isHttp ? new Scanner('HTTP/1.1 ', 3, 12) : new Scanner(':', 0, 4)

const event = eventText(task.eventBytes)
const requests = targets.map((target) => {
  if (!isHttp) {
    const parts = ['PUBLISH', target, event].map((part) => `$${part.length}\r\n${part}\r\n`)
    return Buffer.from(`*3\r\n${parts.join('')}`)
  }
  const head = [
    `POST ${target} HTTP/1.1`,
    `Host: ${task.host}:${task.port}`,
    /^content-type:/im.test(task.headers) ? '' : 'Content-Type: application/json',
    `Content-Length: ${event.length}`,
  ].filter((line) => line !== '')
  return Buffer.from(`${head.join('\r\n')}\r\n${task.headers}\r\n${event}`)
})
const eventEnd = isHttp ? event.length : event.length + 2
const stagingBytes = Math.max(65_536, 4 * (task.eventBytes + 1024))

class Connection {
  /** Undefined while there is no connection. */
  #socket: Socket | undefined
  #scan: ScanState = Scanner.state()
  /** Targets of the requests on the way, oldest first, in a ring. */
  readonly #targets = new Uint32Array(INFLIGHT_MAX)
  #oldest = 0
  inflight = 0
  #staging = Buffer.allocUnsafe(stagingBytes)
  #staged = 0

  /** Connects, and again whenever the server closes: some do after so many requests. */
  open(): Promise<void> {
    const socket = connect({
      host: task.host,
      port: task.port,
      onread: {
        buffer: scanner.readBuffer,
        callback: (readBytes) => {
          this.#read(readBytes)
          return true
        },
      },
    })
    socket.setNoDelay(true)
    socket.on('close', () => {
      errors += this.inflight
      this.inflight = 0
      this.#scan = Scanner.state()
      this.#socket = undefined
      if (!isOver) setTimeout(() => this.open().catch(() => {}), RECONNECT_MS)
    })
    return new Promise((resolve, reject) => {
      socket.on('error', reject)
      socket.once('connect', () => {
        this.#socket = socket
        resolve()
      })
    })
  }

  close(): void {
    this.#socket?.destroy()
  }

  get isFull(): boolean {
    if (this.#socket === undefined || this.inflight === INFLIGHT_MAX) return true
    return this.#socket.writableLength > UNSENT_BYTES_MAX
  }

  /** Puts a request behind those that `flush` will hand over. */
  stage(number: number): void {
    const target = draw.next()
    const request = requests[target] as Buffer
    if (this.#staged + request.length > this.#staging.length) this.flush()
    request.copy(this.#staging, this.#staged)
    this.#staged += request.length
    putNumber(this.#staging, this.#staged - eventEnd, number)
    const slot = (this.#oldest + this.inflight) % INFLIGHT_MAX
    this.#targets[slot] = target
    this.inflight++
  }

  flush(): void {
    const socket = this.#socket
    if (this.#staged === 0 || socket === undefined) return
    socket.write(this.#staging.subarray(0, this.#staged))
    // What the kernel has not taken, the socket still needs.
    if (socket.writableLength > 0) this.#staging = Buffer.allocUnsafe(stagingBytes)
    this.#staged = 0
  }

  #read(readBytes: number): void {
    const { bytes, readStart } = scanner
    const now = nowUs()
    const isMeasured = now >= measuredFromUs && now < measuredToUs
    scanner.begin(this.#scan, readStart, readStart + readBytes)
    for (let at = scanner.next(); at !== -1; at = scanner.next()) {
      const slot = this.#oldest
      this.#oldest = (slot + 1) % INFLIGHT_MAX
      this.inflight--
      if (isHttp && numberAt(bytes, at, 1) !== 2) errors++
      else {
        ;(accepted[this.#targets[slot] as number] as number)++
        if (isMeasured) acceptedMeasured++
      }
    }
    scanner.end(this.#scan)
  }
}

const all = Array.from({ length: connections }, () => new Connection())
const cell = new Int32Array(new SharedArrayBuffer(4))
const endUs = schedule.startUs + schedule.count * schedule.periodUs
let number = 0

/** Sends what is due, in the order of the numbers; a connection that is full holds up the rest. */
function send(): void {
  const now = nowUs()
  const due = Math.min(schedule.count, Math.floor((now - schedule.startUs) / schedule.periodUs) + 1)
  while (number < due) {
    const connection = all[number % connections] as Connection
    if (connection.isFull) break
    if (number >= schedule.fromNumber && number < schedule.toNumber) {
      lateness.record(now - schedule.startUs - number * schedule.periodUs)
    }
    connection.stage(number++)
  }
  for (const connection of all) connection.flush()
}

function turn(): void {
  send()
  const now = nowUs()
  if (number === schedule.count || now > endUs) {
    finish()
    return
  }
  const waitMs = (schedule.startUs + number * schedule.periodUs - now) / 1000
  if (waitMs > TIMER_LATE_MS) {
    setTimeout(turn, waitMs - TIMER_LATE_MS)
    return
  }
  // What is late waits for a connection that is full; its answers come with the next turn.
  Atomics.wait(cell, 0, 0, waitMs > 0 ? Math.min(waitMs, WAIT_MS_MAX) : LATE_MS)
  setImmediate(turn)
}

/** Waits for the last answers; what was due and could not be sent was not published. */
function finish(): void {
  const isWaiting = all.some(({ inflight }) => inflight > 0)
  if (isWaiting && nowUs() < schedule.giveUpUs) {
    setTimeout(finish, 5)
    return
  }
  isOver = true
  let unanswered = 0
  for (const connection of all) {
    unanswered += connection.inflight
    connection.inflight = 0
    connection.close()
  }
  const report: PublisherReport = {
    type: 'report',
    accepted,
    acceptedMeasured,
    errors,
    unanswered,
    lateness: lateness.toText(),
  }
  parentPort?.postMessage(report)
}

// Without `await` at the top: a thread is a CommonJS script (thread.ts).
void Promise.all(all.map((connection) => connection.open())).then(turn)
