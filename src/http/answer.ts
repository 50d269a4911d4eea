// How every answer is written: status, CORS, body. Shard thread.
//
// uWS corks the socket for its handlers, but only for 16 KiB: past that, as behind a hundred
// pipelined requests, each piece of a head would be a send of its own. So answers cork again.
import type { HttpResponse } from 'uWebSockets.js'
import type { Denial } from './gate.ts'
import type { RequestHead } from './head.ts'
import { type ProblemCode, problemBody, problems } from './problem.ts'

/** How long a browser may remember a preflight, in seconds. */
const PREFLIGHT_SECONDS = '86400'
const REQUEST_HEADERS = 'Authorization, Cache-Control, Content-Type, Last-Event-ID'

/** Documents hold texts of clients: no browser may take one for a page (Fetch, 3.6). */
export const NO_SNIFF = ['X-Content-Type-Options', 'nosniff'] as const

/** Problems that pass: the answer says when to try again. */
const BUSY: ReadonlySet<ProblemCode> = new Set([
  'overloaded',
  'draining',
  'starting',
  'too_many_connections',
  'too_many_streams',
  'too_many_publishes',
])

/** Problems after which the connection is closed. */
const CLOSING: ReadonlySet<ProblemCode> = new Set([
  'body_too_large',
  'bad_request_head',
  'draining',
  'too_many_connections',
])

/** What a problem's answer has besides its code and detail. */
export interface ProblemParts {
  /** The methods of the path, for `method_not_allowed`. */
  readonly allow?: string
  /** WWW-Authenticate. */
  readonly challenge?: string | undefined
  /** The request is a HEAD: a body would be taken for the next answer. */
  readonly isHead?: boolean
}

export class Answer {
  readonly #anyOrigin: boolean
  readonly #origins: ReadonlySet<string>
  readonly #retryAfter: string
  /** How often each code was answered. */
  readonly problems: { [C in ProblemCode]?: number } = {}

  // What #writeOk writes; cork calls it at once.
  #response: HttpResponse | undefined
  #origin = ''
  readonly #writeOk = (): void => {
    const response = this.#response as HttpResponse
    this.cors(response, this.#origin)
    response.end()
  }

  constructor(corsOrigins: readonly string[], retryAfterSeconds: number) {
    this.#anyOrigin = corsOrigins.includes('*')
    this.#origins = new Set(corsOrigins)
    this.#retryAfter = String(retryAfterSeconds)
  }

  /** CORS headers for a request of this origin ('' for none). Status must have been written. */
  cors(response: HttpResponse, origin: string): void {
    if (this.#anyOrigin) {
      response.writeHeader('Access-Control-Allow-Origin', '*')
      return
    }
    // The answer depends on the origin even where it is not allowed (Fetch, 3.2.5).
    response.writeHeader('Vary', 'Origin')
    if (this.#origins.has(origin)) response.writeHeader('Access-Control-Allow-Origin', origin)
  }

  /** 200 without a body: the answer to a POST of the hot path, so without a closure of its own. */
  ok(response: HttpResponse, origin: string): void {
    this.#response = response
    this.#origin = origin
    response.cork(this.#writeOk)
  }

  json(response: HttpResponse, origin: string, status: string, body: string): void {
    response.cork(() => {
      response.writeStatus(status)
      this.cors(response, origin)
      response.writeHeader('Content-Type', 'application/json')
      response.writeHeader(...NO_SNIFF).end(body)
    })
  }

  /** 204 to a browser's question whether it may send the request. */
  preflight(response: HttpResponse, origin: string, methods: string): void {
    response.cork(() => {
      response.writeStatus('204 No Content')
      this.cors(response, origin)
      response
        .writeHeader('Access-Control-Allow-Methods', methods)
        .writeHeader('Access-Control-Allow-Headers', REQUEST_HEADERS)
        .writeHeader('Access-Control-Max-Age', PREFLIGHT_SECONDS)
        .endWithoutBody()
    })
  }

  /** The request may not come in. */
  deny(response: HttpResponse, { origin, isHead }: RequestHead, denial: Denial): void {
    const { code, detail, challenge } = denial
    this.problem(response, origin, code, detail, { challenge, isHead })
  }

  /**
   * @param parts what the answer has or lacks besides
   */
  problem(
    response: HttpResponse,
    origin: string,
    code: ProblemCode,
    detail: string,
    { allow, challenge, isHead = false }: ProblemParts = {},
  ): void {
    this.problems[code] = (this.problems[code] ?? 0) + 1
    const body = problemBody(code, detail)
    const isBusy = BUSY.has(code)
    // What follows on the connection is a body that nobody wants, or cannot be told apart.
    const close = CLOSING.has(code)
    response.cork(() => {
      response.writeStatus(problems[code][0])
      this.cors(response, origin)
      response.writeHeader('Content-Type', 'application/problem+json')
      response.writeHeader(...NO_SNIFF)
      if (challenge !== undefined) response.writeHeader('WWW-Authenticate', challenge)
      if (allow !== undefined) response.writeHeader('Allow', allow)
      if (isBusy) response.writeHeader('Retry-After', this.#retryAfter)
      if (isHead) endHead(response, body, close)
      else response.end(body, close)
    })
  }
}

/** Ends an answer to HEAD: the length of the body, and no body. */
export function endHead(response: HttpResponse, body: string, close = false): void {
  // With a length as its argument (undefined is one too) endWithoutBody waits for that body, and
  // uWS aborts the process. Only 0 ends the answer, so a connection that closes says 0.
  if (close) response.endWithoutBody(0, true)
  else response.writeHeader('Content-Length', String(Buffer.byteLength(body))).endWithoutBody()
}

/** Ends an answer whose head has been written with a long body, a page a turn. */
export function writePages(
  response: HttpResponse,
  pages: Iterator<string, string>,
  isAborted: () => boolean,
): void {
  const page = pages.next()
  response.cork(() => {
    if (page.done) response.end(page.value)
    else response.write(page.value)
  })
  if (page.done) return
  setImmediate(() => {
    if (!isAborted()) writePages(response, pages, isAborted)
  })
}

/** For an answer that takes a while: tells whether the response must not be touched any more. */
export function watchAbort(response: HttpResponse): () => boolean {
  let isAborted = false
  response.onAborted(() => {
    isAborted = true
  })
  return () => isAborted
}
