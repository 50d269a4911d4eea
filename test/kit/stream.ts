// A client for any server, near or far: http or https, any host, a path in front. It keeps header
// values and the stream's bytes as they came, and notes for each message when it came.
import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request as plainRequest } from 'node:http'
import { request as secureRequest } from 'node:https'
import { connect, type Socket } from 'node:net'
import { after } from 'node:test'
import { connect as connectSecure } from 'node:tls'
import { createParser } from 'eventsource-parser'
import { until } from './until.ts'

export interface Message {
  /** performance.now() when its last byte came. */
  readonly at: number
  readonly event: string | undefined
  readonly data: string
}

// A test that fails leaves its streams open, and they would keep the process alive.
const streams = new Set<Stream>()
after(() => {
  for (const stream of streams) stream.close()
})

/** The address of a path below that of the server. */
export function below(base: URL, path: string): URL {
  return new URL(base.pathname.replace(/\/+$/, '') + path, base)
}

export class Stream {
  /** `GET /subscribe/raw`, for messages. */
  readonly name: string
  /** 0 until the head has come. */
  status = 0
  readonly messages: Message[] = []
  /** performance.now() of the head. */
  openedAt = 0
  /** performance.now() of the end, by whichever side. */
  closedAt = 0
  /** Resolves with the head; rejects when it does not come within the limit. */
  readonly opened: Promise<void>
  readonly #request: ClientRequest
  /** By lower-case name, each as it was sent. */
  readonly #headers = new Map<string, string[]>()
  readonly #chunks: Buffer[] = []
  #cause = 'closed by the server'

  constructor(
    url: URL,
    limitMs: number,
    { method = 'GET', headers = {} }: { method?: string; headers?: Record<string, string> } = {},
  ) {
    this.name = `${method} ${url.pathname}`
    const send = url.protocol === 'https:' ? secureRequest : plainRequest
    const ask = { Accept: 'text/event-stream', Connection: 'keep-alive', ...headers }
    this.#request = send(url, { method, headers: ask, agent: false })
    this.#request.on('response', (response) => this.#open(response))
    this.#request.on('error', (error) => {
      this.#cause = error.message
    })
    this.#request.on('close', () => {
      this.closedAt ||= performance.now()
      streams.delete(this)
    })
    this.#request.end()
    streams.add(this)
    this.opened = this.#within(() => this.status !== 0, 'MUST send its head', limitMs)
    // Whoever awaits it gets the failure; until then it is not an unhandled one.
    this.opened.catch(() => {})
  }

  /** A header's value as on the wire; several are joined, none is an empty text. */
  header(name: string): string {
    return (this.#headers.get(name.toLowerCase()) ?? []).join(', ')
  }

  /** The whole lines so far; throws where the bytes are not UTF-8. */
  lines(): string[] {
    // `stream`: the last character may be here in part.
    const decoder = new TextDecoder('utf-8', { fatal: true })
    const text = decoder.decode(Buffer.concat(this.#chunks), { stream: true })
    return text.split(/\r\n|\r|\n/).slice(0, -1)
  }

  /** Resolves when so many messages are here; rejects past the limit or at the stream's end. */
  received(count: number, limitMs: number): Promise<void> {
    return this.#within(() => this.messages.length >= count, 'MUST send messages', limitMs)
  }

  close(): void {
    this.closedAt ||= performance.now()
    this.#request.destroy()
  }

  async #within(isDone: () => boolean, rule: string, limitMs: number): Promise<void> {
    await until(() => isDone() || this.closedAt > 0, `${this.name} ${rule}`, limitMs)
    if (isDone()) return
    const answer = this.status === 0 ? 'no answer' : `answered ${this.status}`
    throw new Error(`${this.name} ${rule}, but: ${answer}, ${this.#cause}`)
  }

  #open(response: IncomingMessage): void {
    this.status = response.statusCode as number
    this.openedAt = performance.now()
    const { rawHeaders } = response
    for (let index = 0; index < rawHeaders.length; index += 2) {
      const name = (rawHeaders[index] as string).toLowerCase()
      const values = this.#headers.get(name) ?? []
      this.#headers.set(name, [...values, rawHeaders[index + 1] as string])
    }
    const parser = createParser({
      onEvent: ({ event, data }) => this.messages.push({ at: performance.now(), event, data }),
    })
    const decoder = new TextDecoder()
    response.on('data', (chunk: Buffer) => {
      if (this.closedAt > 0) return
      this.#chunks.push(chunk)
      parser.feed(decoder.decode(chunk, { stream: true }))
    })
    response.on('error', (error) => {
      this.#cause = error.message
    })
  }
}

function dial({ protocol, hostname, port }: URL): Socket {
  const host = hostname.replace(/^\[|\]$/g, '')
  if (protocol !== 'https:') return connect(Number(port || 80), host)
  // A name for SNI must not be an address.
  const servername = /[a-z]/i.test(host) && !host.includes(':') ? host : ''
  return connectSecure({ host, port: Number(port || 443), servername })
}

/** Resolves when the server takes a connection; rejects with the reason why not. */
export async function reach(url: URL, limitMs: number): Promise<void> {
  const socket = dial(url)
  const signal = AbortSignal.timeout(limitMs)
  try {
    await once(socket, url.protocol === 'https:' ? 'secureConnect' : 'connect', { signal })
  } catch (error) {
    if (signal.aborted) throw new Error(`no connection within ${limitMs} ms`)
    throw error
  } finally {
    socket.destroy()
  }
}

/**
 * What follows the head of the answer to a HEAD, up to the end of the connection, which the request
 * asks for. By hand: an HTTP client ends such an answer by itself, whatever the server does.
 */
export async function afterHead(url: URL, limitMs: number): Promise<string> {
  const socket = dial(url)
  const head = `HEAD ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\nConnection: close\r\n\r\n`
  let wire = ''
  let isClosed = false
  socket.setEncoding('latin1')
  socket.on('data', (chunk) => {
    wire += chunk
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    isClosed = true
  })
  socket.write(head)
  try {
    await until(() => isClosed, `HEAD ${url.pathname} MUST close after the headers`, limitMs)
  } finally {
    socket.destroy()
  }
  const end = wire.indexOf('\r\n\r\n')
  if (end === -1) throw new Error(`HEAD ${url.pathname} was closed without a whole head`)
  return wire.slice(end + 4)
}
