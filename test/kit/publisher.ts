// A publisher on one kept connection that posts event after event and keeps account of the answers.
import { connect, type Socket } from 'node:net'
import { post } from './raw.ts'

/** Bodies with a running number, for one publisher. */
export function numbered(publisher: number, padding = ''): () => string {
  let count = 0
  return () => JSON.stringify({ publisher, count: count++, padding })
}

export class Publisher {
  /** Bodies that were answered 200, in order. */
  readonly accepted: string[] = []
  /** Other answers: how often each status came. */
  readonly refused = new Map<number, number>()
  /** The heads of answers that were not 200. */
  readonly refusals: string[] = []
  /** Connections that ended with a request unanswered; that request may or may not be accepted. */
  readonly unanswered: string[] = []

  readonly #port: number
  readonly #path: string
  #isStopped = false

  constructor(port: number, path = '/api/events') {
    this.#port = port
    this.#path = path
  }

  stop(): void {
    this.#isStopped = true
  }

  /** Posts what `next` gives, one after the other, until it gives nothing or `stop` is called. */
  async run(next: () => string | undefined): Promise<void> {
    let connection: PostConnection | undefined
    while (!this.#isStopped) {
      const body = next()
      if (body === undefined) break
      connection ??= await PostConnection.open(this.#port)
      if (connection === undefined) return
      const head = await connection.ask(post(this.#path, body))
      if (head === undefined) {
        this.unanswered.push(body)
        connection = undefined
      } else this.#account(head, body)
    }
    connection?.close()
  }

  #account(head: string, body: string): void {
    const status = Number(head.slice(9, 12))
    if (status === 200) this.accepted.push(body)
    else {
      this.refused.set(status, (this.refused.get(status) ?? 0) + 1)
      this.refusals.push(head)
    }
  }
}

/** A kept connection that posts one request after the other. */
export class PostConnection {
  readonly #socket: Socket
  #answer = ''
  #settle: (head: string | undefined) => void = () => {}

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk) => {
      this.#answer += chunk.toString('latin1')
      this.#read()
    })
    socket.on('error', () => {})
    socket.on('close', () => this.#settle(undefined))
  }

  /** Undefined where nobody listens any more. */
  static open(port: number): Promise<PostConnection | undefined> {
    return new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1')
      socket.once('error', () => resolve(undefined))
      socket.once('connect', () => resolve(new PostConnection(socket)))
    })
  }

  /** The head of the answer; undefined when the connection ended first. */
  ask(request: Buffer): Promise<string | undefined> {
    return new Promise((resolve) => {
      this.#settle = resolve
      if (this.#socket.destroyed) resolve(undefined)
      else this.#socket.write(request)
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #read(): void {
    const end = this.#answer.indexOf('\r\n\r\n')
    if (end === -1) return
    const head = this.#answer.slice(0, end)
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
    if (this.#answer.length < end + 4 + length) return
    this.#answer = this.#answer.slice(end + 4 + length)
    this.#settle(head)
  }
}
