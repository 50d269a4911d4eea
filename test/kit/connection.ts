// One HTTP/1.1 connection by hand: bytes out, whole answers in, and whether the server closed it.
// Stricter than fetch, and it shows what fetch hides: order of headers, closing, interim answers.
import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { until } from './until.ts'

export interface Answer {
  readonly statusLine: string
  readonly status: number
  /** Names as on the wire, in their order. */
  readonly names: readonly string[]
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

export class Connection {
  /** Complete answers so far, interim ones (1xx) too. */
  readonly answers: Answer[] = []
  isClosed = false
  readonly socket: Socket
  readonly #isHead: boolean
  #wire = Buffer.alloc(0)

  /** @param isHead the first request is a HEAD: its answer must have no body */
  constructor(port: number, isHead = false) {
    this.#isHead = isHead
    this.socket = connect(port, '127.0.0.1')
    this.socket.setNoDelay(true)
    this.socket.on('data', (chunk) => {
      this.#wire = Buffer.concat([this.#wire, chunk])
      while (this.#take());
    })
    this.socket.on('error', () => {})
    this.socket.on('close', () => {
      this.isClosed = true
    })
  }

  /** Resolves when the kernel has the bytes. */
  send(bytes: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => this.socket.write(bytes, () => resolve()))
  }

  /** The answers, when there are so many; throws when the connection is closed before. */
  async answered(count = 1, withinMs?: number): Promise<readonly Answer[]> {
    const enough = (): boolean => this.answers.length >= count
    await until(() => enough() || this.isClosed, `${count} answers`, withinMs)
    if (!enough()) throw new Error(`closed after ${this.answers.length} of ${count} answers`)
    return this.answers
  }

  /** Resolves when the server has closed the connection. */
  closed(withinMs?: number): Promise<void> {
    return until(() => this.isClosed, 'the server closes the connection', withinMs)
  }

  close(): void {
    this.socket.destroy()
  }

  #take(): boolean {
    const end = this.#wire.indexOf('\r\n\r\n')
    if (end === -1) return false
    const [statusLine = '', ...lines] = this.#wire.subarray(0, end).toString().split('\r\n')
    const pairs = lines.map((line) => [line.replace(/:.*/s, ''), line.replace(/^[^:]*: /, '')])
    const headers = new Map(pairs.map(([name = '', value = '']) => [name.toLowerCase(), value]))
    const hasBody = !(this.#isHead && this.answers.length === 0)
    const found = this.#body(end + 4, hasBody ? headers : new Map())
    if (found === undefined) return false
    this.#wire = this.#wire.subarray(found.end)
    this.answers.push({
      statusLine,
      status: Number(statusLine.split(' ')[1]),
      names: pairs.map(([name = '']) => name),
      headers,
      body: found.body,
    })
    return this.#wire.length > 0
  }

  /** The body that starts there and where it ends; undefined while some of it is missing. */
  #body(
    start: number,
    headers: ReadonlyMap<string, string>,
  ): { body: string; end: number } | undefined {
    const wire = this.#wire
    if (headers.get('transfer-encoding') !== 'chunked') {
      const end = start + Number(headers.get('content-length') ?? 0)
      return end > wire.length ? undefined : { body: wire.subarray(start, end).toString(), end }
    }
    const parts: Buffer[] = []
    for (let at = start; ; ) {
      const line = wire.indexOf('\r\n', at)
      if (line === -1) return undefined
      const size = Number.parseInt(wire.subarray(at, line).toString(), 16)
      const end = line + 2 + size + 2
      if (end > wire.length) return undefined
      if (size === 0) return { body: Buffer.concat(parts).toString(), end }
      parts.push(wire.subarray(line + 2, end - 2))
      at = end
    }
  }
}

/** A request without a body. Header lines end with CRLF. */
export function get(path: string, headers = '', method = 'GET'): string {
  return `${method} ${path} HTTP/1.1\r\nHost: test\r\n${headers}\r\n`
}

/** The first answer to a request on a connection of its own. */
export async function ask(
  port: number,
  request: string | Uint8Array,
  withinMs?: number,
): Promise<Answer> {
  const isHead = Buffer.from(request.slice(0, 5) as string).toString() === 'HEAD '
  const connection = new Connection(port, isHead)
  void connection.send(request)
  try {
    return (await connection.answered(1, withinMs))[0] as Answer
  } finally {
    connection.close()
  }
}

/** Checks that an answer is a problem (RFC 9457) of this status and code. @returns its detail */
export function assertProblem(answer: Answer, status: number, code: string): string {
  const shown = `${answer.statusLine} ${answer.body}`
  assert.equal(answer.status, status, shown)
  assert.equal(answer.headers.get('content-type'), 'application/problem+json', shown)
  const { type, title, detail, ...rest } = JSON.parse(answer.body) as Record<string, unknown>
  assert.deepEqual(rest, { status, code }, shown)
  assert.equal(type, 'about:blank')
  assert.ok(typeof title === 'string' && title !== '', shown)
  assert.ok(typeof detail === 'string' && detail !== '', shown)
  assert.doesNotMatch(detail, /\bat .*:\d+|\.[jt]s\b|node_modules/, 'no stack, no path')
  return detail
}
