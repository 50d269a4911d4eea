// One subscriber of the harness: a socket, the stream on it, and its place in the order.
// Reader threads; thousands of them share one scanner and one buffer, for a read is done with
// before the next one begins.
import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net'
import { Body, type Piece } from '../../../bench/load/body.ts'
import { Scanner, type ScanState } from '../../../bench/load/scanner.ts'
import { numberAt, STAMP_DIGITS } from '../../../bench/load/stamp.ts'
import type { Pace } from './message.ts'
import type { Follower } from './order.ts'

/** A trickling reader takes one byte this often. */
const TRICKLE_MS = 1_000

/** What a reader tells its thread. */
export interface ReaderEvents {
  /** The stream's first bytes have come: from now on nothing may be lost. */
  opened(reader: Reader): void
  /** The answer was another than 200, or the connection could not be made. */
  refused(reader: Reader, reason: string): void
  /** The connection is closed, and it was not this side that closed it. */
  ended(reader: Reader): void
}

export class Reader {
  readonly name: string
  readonly selection: number
  readonly crowd: string
  mayEnd: boolean
  /** Undefined until the stream is open. */
  follower: Follower | undefined
  isConnecting = false
  isLeaving = false
  isClosed = false
  readonly pace: Pace
  readonly #scanner: Scanner
  readonly #events: ReaderEvents
  readonly #socket: Socket
  readonly #body = new Body()
  readonly #scan: ScanState = Scanner.state()
  readonly #piece: Piece = { from: 0, to: 0 }
  #trickle: NodeJS.Timeout | undefined
  #error = 'closed'

  constructor(
    name: string,
    crowd: string,
    selection: number,
    pace: Pace,
    mayEnd: boolean,
    scanner: Scanner,
    events: ReaderEvents,
  ) {
    this.name = name
    this.crowd = crowd
    this.selection = selection
    this.pace = pace
    this.mayEnd = mayEnd
    this.#scanner = scanner
    this.#events = events
    // One byte at a time is what makes the kernel, not Node, hold what is not read.
    const own = pace === 'prompt' ? undefined : new Uint8Array(1)
    const onread: OnReadOpts = {
      buffer: own ?? scanner.readBuffer,
      callback: (readBytes) => {
        if (own !== undefined) scanner.readBuffer[0] = own[0] as number
        this.#read(readBytes)
        return this.pace === 'prompt' || this.follower === undefined || this.isLeaving
      },
    }
    // The types have this option for `connect` only.
    this.#socket = new Socket({ onread } as SocketConstructorOpts)
    this.#socket.on('error', (error) => {
      this.#error = error.message
    })
    this.#socket.on('close', () => this.#closed())
  }

  /** @param localAddress an address of this machine, which this side of the connection gets */
  connect(port: number, localAddress: string, path: string): void {
    this.isConnecting = true
    this.#socket.on('connect', () => {
      const agent = `User-Agent: ${this.name}\r\n`
      this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: test\r\n${agent}\r\n`)
    })
    this.#socket.connect({ host: '127.0.0.1', port, localAddress })
  }

  leave(manner: 'reset' | 'close' | 'end'): void {
    this.isLeaving = true
    clearInterval(this.#trickle)
    if (manner === 'reset') this.#socket.resetAndDestroy()
    else if (manner === 'close') this.#socket.destroy()
    else {
      // The server closes in turn, which shows only to one that reads.
      this.#socket.end()
      this.#socket.resume()
    }
  }

  #closed(): void {
    clearInterval(this.#trickle)
    this.isClosed = true
    if (this.isLeaving) return
    if (this.follower === undefined) this.#events.refused(this, this.#error)
    else this.#events.ended(this)
  }

  #read(readBytes: number): void {
    if (this.isLeaving) return
    const { bytes, readStart } = this.#scanner
    const piece = this.#piece
    const end = readStart + readBytes
    piece.to = readStart
    while (this.#body.next(bytes, piece, end)) {
      // The greeting is the first of the body, so the server has this subscriber.
      if (this.follower === undefined) this.#open()
      if (this.follower !== undefined) this.#take(this.follower)
    }
    const { status } = this.#body
    if (status === undefined || status === 200 || this.isLeaving) return
    this.isLeaving = true
    this.#socket.destroy()
    this.#events.refused(this, `status ${status}`)
  }

  #open(): void {
    if (this.#body.status !== 200) return
    this.#events.opened(this)
    if (this.pace !== 'trickling') return
    this.#trickle = setInterval(() => this.#socket.resume(), TRICKLE_MS)
  }

  #take(follower: Follower): void {
    const scanner = this.#scanner
    scanner.begin(this.#scan, this.#piece.from, this.#piece.to)
    for (let at = scanner.next(); at !== -1; at = scanner.next()) {
      follower.take(numberAt(scanner.bytes, at, STAMP_DIGITS))
    }
    scanner.end(this.#scan)
  }
}
