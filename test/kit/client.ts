// `carillon publish` and `carillon tail` as processes, and an HTTP server of the test's own for what
// a real one answers rarely. Each ends with its test.
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import type { TestContext } from 'node:test'
import { MAIN } from './launch.ts'

export interface Client {
  readonly process: ChildProcessByStdio<Writable, Readable, Readable>
  /** Standard output and standard error so far. */
  readonly out: string
  readonly err: string
  /** Whole lines of standard output so far. */
  readonly lines: readonly string[]
  /** Resolves when it has ended: its code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>
}

/** What a variable of the machine that runs the tests must not decide. */
const CLEAN = {
  CARILLON_URL: '',
  CARILLON_PUBLISH_TOKEN: '',
  CARILLON_PUBLISH_TOKEN_FILE: '',
  CARILLON_SUBSCRIBE_TOKEN: '',
  CARILLON_SUBSCRIBE_TOKEN_FILE: '',
  PORT: '',
}

export interface ClientSpec {
  readonly env?: Readonly<Record<string, string>>
  /** Standard input, whole; without it there is one that stays open. */
  readonly input?: string | Uint8Array
  /** Its output is not read until the test does. */
  readonly isUnread?: boolean
}

export function startClient(
  t: TestContext,
  args: readonly string[],
  { env = {}, input, isUnread = false }: ClientSpec = {},
): Client {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, ...CLEAN, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let out = ''
  let err = ''
  // A chunk may end inside a character.
  const decoders = { out: new StringDecoder(), err: new StringDecoder() }
  if (!isUnread) {
    child.stdout.on('data', (chunk) => {
      out += decoders.out.write(chunk)
    })
  }
  child.stderr.on('data', (chunk) => {
    err += decoders.err.write(chunk)
  })
  // One that ends before it has read all is what some tests are about.
  child.stdin.on('error', () => {})
  if (input !== undefined) child.stdin.end(input)
  const ended = once(child, isUnread ? 'exit' : 'close').then(([code, signal]) => code ?? signal)
  t.after(() => {
    child.kill('SIGKILL')
    return ended
  })
  return {
    process: child,
    get out() {
      return out
    },
    get err() {
      return err
    },
    get lines() {
      return out.split('\n').slice(0, -1)
    },
    ended,
  }
}

export interface Front {
  readonly url: string
  /** The requests so far. */
  readonly requests: readonly IncomingMessage[]
}

/** Answers each request with the next of these, the last one again and again. */
export async function startFront(t: TestContext, ...answers: RequestListener[]): Promise<Front> {
  const requests: IncomingMessage[] = []
  const server = createServer((asked, response) => {
    const answer = answers[Math.min(requests.length, answers.length - 1)] as RequestListener
    requests.push(asked)
    answer(asked, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests }
}

/** An answer with this status, these headers and this body. */
export function answer(
  status: number,
  headers: Readonly<Record<string, string>> = {},
  body: string | Uint8Array = '',
): RequestListener {
  return (asked, response) => {
    asked.resume()
    asked.on('end', () => response.writeHead(status, headers).end(body))
  }
}

/** Hands the request on to a server, as a proxy does. */
export function handOn(url: string): RequestListener {
  return (asked, response) => {
    const headers = { ...asked.headers, 'x-forwarded-for': '192.0.2.7' }
    const path = `${url}${asked.url}`
    const onward = request(
      path,
      { method: `${asked.method}`, headers, agent: false },
      (answered) => {
        response.writeHead(answered.statusCode as number, answered.headers)
        answered.pipe(response)
      },
    )
    onward.on('error', () => response.destroy())
    asked.pipe(onward)
  }
}
