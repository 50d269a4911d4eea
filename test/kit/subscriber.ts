// A plain SSE client on a raw socket: cheap enough for hundreds, and it can refuse to read.
import { connect, type Socket } from 'node:net'
import { StringDecoder } from 'node:string_decoder'
import { until } from './until.ts'

export class RawSubscriber {
  /** Status line and headers, once they have come. */
  head = ''
  /** The stream's text so far, chunked encoding taken off. */
  text = ''
  /** The `data` of every event so far; lines of one event joined by LF. */
  readonly events: string[] = []
  isClosed = false
  readonly socket: Socket
  #wire = Buffer.alloc(0)
  // A chunk may end inside a character.
  readonly #decoder = new StringDecoder()
  /** The text after the last whole frame; searching `text` would copy all of it for each chunk. */
  #rest = ''

  /** @param dial opens the connection, in place of plain TCP */
  constructor(
    port: number,
    path = '/events',
    headers = '',
    dial: (port: number) => Socket = (to) => connect(to, '127.0.0.1'),
  ) {
    this.socket = dial(port)
    this.socket.write(`GET ${path} HTTP/1.1\r\nHost: test\r\n${headers}\r\n`)
    this.socket.on('data', (chunk) => this.#take(chunk))
    this.socket.on('error', () => {})
    this.socket.on('close', () => {
      this.isClosed = true
    })
  }

  /** Resolves when the stream is open: its greeting has come. */
  async opened(): Promise<this> {
    await until(() => this.text.includes(':ok\n') || this.isClosed, 'the stream opens')
    if (this.isClosed) throw new Error(`closed instead of opened: ${this.head}`)
    return this
  }

  /** Resolves when at least so many events have come. */
  async received(count: number, withinMs?: number): Promise<this> {
    await until(() => this.events.length >= count, `${count} events`, withinMs)
    return this
  }

  close(): void {
    this.socket.destroy()
  }

  #take(chunk: Buffer): void {
    this.#wire = Buffer.concat([this.#wire, chunk])
    if (this.head === '') {
      const end = this.#wire.indexOf('\r\n\r\n')
      if (end === -1) return
      this.head = this.#wire.subarray(0, end).toString()
      this.#wire = this.#wire.subarray(end + 4)
    }
    // A chunk is taken only when all of it and its CRLF are here: as strict as Python's urllib3.
    for (;;) {
      const line = this.#wire.indexOf('\r\n')
      if (line === -1) return
      const sizeLine = this.#wire.subarray(0, line).toString()
      if (!/^[\da-f]+$/i.test(sizeLine)) throw new Error(`not a chunk size: ${sizeLine}`)
      const size = Number.parseInt(sizeLine, 16)
      const end = line + 2 + size
      if (this.#wire.length < end + 2) return
      const after = this.#wire.toString('latin1', end, end + 2)
      if (after !== '\r\n') throw new Error(`a chunk of ${size} bytes ends in ${after}`)
      this.#dispatch(this.#decoder.write(this.#wire.subarray(line + 2, end)))
      this.#wire = this.#wire.subarray(end + 2)
    }
  }

  #dispatch(text: string): void {
    this.text += text
    this.#rest += text
    let start = 0
    for (;;) {
      const end = this.#rest.indexOf('\n\n', start)
      if (end === -1) break
      const lines = this.#rest.slice(start, end).split('\n')
      const data = lines.filter((line) => line.startsWith('data: '))
      if (data.length > 0) this.events.push(data.map((line) => line.slice(6)).join('\n'))
      start = end + 2
    }
    this.#rest = this.#rest.slice(start)
  }
}
