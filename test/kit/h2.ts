// An HTTP/2 client: one connection over TLS, from an address that a test chooses, and streams of
// events on it.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2'
import type { TestContext } from 'node:test'
import { connect as connectSecure } from 'node:tls'
import { createParser } from 'eventsource-parser'
import { type FrontProxy, HOST } from './proxy.ts'

export interface H2Answer {
  readonly status: number
  readonly body: string
}

/** A stream of events on an HTTP/2 connection. */
export class H2Stream {
  status = 0
  contentType = ''
  /** The data of each event so far. */
  readonly events: string[] = []
  /** The values of `retry:` so far. */
  readonly retries: number[] = []
  /** The error code that the stream ended with: 0 is none. */
  readonly ended: Promise<number>
  readonly #stream: ClientHttp2Stream

  constructor(stream: ClientHttp2Stream) {
    this.#stream = stream
    const parser = createParser({
      onEvent: ({ data }) => this.events.push(data),
      onRetry: (retry) => this.retries.push(retry),
    })
    const decoder = new TextDecoder()
    stream.on('response', (headers) => {
      this.status = headers[':status'] ?? 0
      this.contentType = headers['content-type'] ?? ''
    })
    stream.on('data', (chunk: Buffer) => parser.feed(decoder.decode(chunk, { stream: true })))
    this.ended = once(stream, 'close').then(() => stream.rstCode)
  }

  close(): void {
    this.#stream.close()
  }
}

export class H2Client {
  readonly #session: ClientHttp2Session

  /** @param from the address it connects from: on Linux, any of 127.0.0.0/8 is this machine's */
  constructor(t: TestContext, { port, certificate }: FrontProxy, from: string) {
    this.#session = connect(`https://${HOST}:${port}`, {
      createConnection: () =>
        connectSecure({
          ...{ host: '127.0.0.1', port, localAddress: from, servername: HOST },
          ...{ ca: readFileSync(certificate), ALPNProtocols: ['h2'] },
        }),
    })
    this.#session.on('error', () => {})
    t.after(() => this.#session.destroy())
  }

  subscribe(path: string, headers: Record<string, string> = {}): H2Stream {
    return new H2Stream(this.#session.request({ ':path': path, ...headers }))
  }

  async post(path: string, body: string, headers: Record<string, string> = {}): Promise<H2Answer> {
    return this.#ask({ ':method': 'POST', ':path': path, ...headers }, body)
  }

  async get(path: string): Promise<H2Answer> {
    return this.#ask({ ':path': path })
  }

  async #ask(headers: Record<string, string>, body?: string): Promise<H2Answer> {
    const stream = this.#session.request(headers, { endStream: body === undefined })
    if (body !== undefined) stream.end(body)
    const answered = once(stream, 'response')
    let text = ''
    stream.setEncoding('utf8')
    stream.on('data', (chunk) => {
      text += chunk
    })
    const [answer] = await answered
    await once(stream, 'close')
    return { status: answer[':status'], body: text }
  }
}
