// What is served under which path, and the answers that need no room of their own: health, ready,
// status. Shard thread. With the traps of the pinned uWebSockets.js build, docs/architecture.md
// tells each.
import type { HttpRequest, HttpResponse, TemplatedApp } from 'uWebSockets.js'
import { parseRanges } from '../config/network.ts'
import type { Config } from '../config/option.ts'
import { healthBody, readiness } from '../ops/health.ts'
import { expose } from '../ops/metrics.ts'
import type { StatusDesk } from '../ops/status.ts'
import type { Shard } from '../shard/shard.ts'
import { Answer, endHead, NO_SNIFF, writePages } from './answer.ts'
import { Gate } from './gate.ts'
import { RequestHead } from './head.ts'
import { Ingest } from './ingest.ts'
import { Peers } from './peer.ts'
import { Subscribe } from './subscribe.ts'
import { Tokens } from './token.ts'

type Handler = (response: HttpResponse, request: HttpRequest, head: RequestHead) => void

type Method = 'GET' | 'POST'

const ADMIN_OFF = '403 admin endpoint disabled'

function adminGate({ admin }: Config, tokens: Tokens, peers: Peers): Gate {
  const localOnly =
    "the status shows clients' addresses: it is for programs on this machine; \
--admin public or --admin-token opens it"
  const otherwise = admin === 'public' ? 'public' : 'loopback'
  return new Gate({ right: 'admin', otherwise, localOnly }, tokens, peers)
}

export class Routes {
  readonly #config: Config
  readonly #shard: Shard
  readonly #status: StatusDesk
  readonly #answer: Answer
  readonly #ingest: Ingest
  readonly #subscribe: Subscribe
  readonly #adminGate: Gate
  readonly #head = new RequestHead()

  constructor(config: Config, shard: Shard, status: StatusDesk) {
    this.#config = config
    this.#shard = shard
    this.#status = status
    this.#answer = new Answer(config.corsOrigins, config.retryAfterSeconds)
    const peers = new Peers(parseRanges(config.trustProxy))
    const tokens = new Tokens(config)
    this.#adminGate = adminGate(config, tokens, peers)
    this.#ingest = new Ingest(config, shard, this.#answer, peers, tokens)
    this.#subscribe = new Subscribe(shard, this.#answer, peers, tokens, config.reconnectMs)
  }

  /** Error answers so far, by their code. */
  get problems(): Readonly<Record<string, number>> {
    return this.#answer.problems
  }

  /** Serves them all by this app. */
  install(app: TemplatedApp): void {
    const ingest = this.#ingest
    const subscribe = this.#subscribe
    this.#route(app, '/api/events', { POST: ingest.postEvent.bind(ingest) })
    this.#route(app, '/publish', { POST: ingest.publish.bind(ingest) })
    this.#route(app, '/publish/*', { POST: ingest.publish.bind(ingest) })
    this.#route(app, '/events', { GET: subscribe.events.bind(subscribe) })
    this.#route(app, '/subscribe', { GET: subscribe.topic.bind(subscribe) })
    this.#route(app, '/subscribe/*', { GET: subscribe.topic.bind(subscribe) })
    this.#route(app, '/health', { GET: (...args) => this.#health(...args) })
    this.#route(app, '/ready', { GET: (...args) => this.#ready(...args) })
    this.#route(app, '/admin/status.json', { GET: (...args) => this.#statusJson(...args) })
    this.#route(app, '/metrics', { GET: (...args) => this.#metricsText(...args) })
    // Without a route for everything, uWS closes the socket without an answer.
    app.any('/*', this.#checked(this.#notFound))
  }

  #route(app: TemplatedApp, path: string, handlers: { readonly [M in Method]?: Handler }): void {
    const { GET, POST } = handlers
    const methods = Object.keys(handlers)
    if (GET !== undefined) {
      methods.push('HEAD')
      app.get(path, this.#checked(GET))
      app.head(path, this.#checked(GET, true))
    }
    if (POST !== undefined) app.post(path, this.#checked(POST))
    const allow = [...methods, 'OPTIONS'].join(', ')
    app.options(
      path,
      this.#checked((response, _request, { origin }) => {
        this.#answer.preflight(response, origin, allow)
      }),
    )
    app.any(
      path,
      this.#checked((response, request, { origin }) => {
        const detail = `this path takes ${allow}`
        const isHead = request.getMethod() === 'head'
        this.#answer.problem(response, origin, 'method_not_allowed', detail, { allow, isHead })
      }),
    )
  }

  /** Reads the head, and refuses what proxies in front could have understood differently. */
  #checked(
    handler: Handler,
    isHead = false,
  ): (response: HttpResponse, request: HttpRequest) => void {
    const head = this.#head
    return (response, request) => {
      head.read(request)
      head.isHead = isHead
      const { framingFault } = head
      const urlBytes = request.getUrl().length + (request.getQuery()?.length ?? 0)
      if (framingFault !== '') {
        this.#answer.problem(response, head.origin, 'bad_request_head', framingFault, { isHead })
      } else if (urlBytes > this.#config.urlBytesMax) {
        const detail = `path and query have more than ${this.#config.urlBytesMax} bytes`
        this.#answer.problem(response, head.origin, 'url_too_long', detail, { isHead })
      } else handler(response, request, head)
    }
  }

  #health(response: HttpResponse, _request: HttpRequest, head: RequestHead): void {
    const body = healthBody(this.#shard.state)
    this.#document(response, head, '200 OK', body)
  }

  #ready(response: HttpResponse, _request: HttpRequest, head: RequestHead): void {
    const { ready, body } = readiness(this.#shard.state, this.#shard.isDraining)
    const status = ready ? '200 OK' : '503 Service Unavailable'
    this.#document(response, head, status, body)
  }

  #document(
    response: HttpResponse,
    { origin, isHead }: RequestHead,
    status: string,
    body: string,
  ): void {
    if (!isHead) {
      this.#answer.json(response, origin, status, body)
      return
    }
    response.writeStatus(status)
    this.#answer.cors(response, origin)
    response.writeHeader('Content-Type', 'application/json').writeHeader(...NO_SNIFF)
    endHead(response, body)
  }

  #statusJson(response: HttpResponse, _request: HttpRequest, head: RequestHead): void {
    if (!this.#admits(response, head)) return
    response.writeHeader('Content-Type', 'application/json').writeHeader(...NO_SNIFF)
    if (head.isHead) response.endWithoutBody()
    else this.#writeStatus(response)
  }

  #metricsText(response: HttpResponse, request: HttpRequest, head: RequestHead): void {
    const { state } = this.#shard
    if (state === undefined) {
      this.#answer.problem(response, head.origin, 'starting', 'nothing has been counted yet', head)
      return
    }
    if (!this.#admits(response, head)) return
    const { contentType, text } = expose(state, request.getHeader('accept'))
    response.writeHeader('Content-Type', contentType).writeHeader(...NO_SNIFF)
    if (head.isHead) {
      response.endWithoutBody()
      return
    }
    const isAborted = watchAbort(response)
    void text.then((body) => {
      if (!isAborted()) response.cork(() => response.end(body))
    })
  }

  /**
   * May it read what /admin shows? Begins the answer where it may, with its status and CORS; else
   * answers.
   */
  #admits(response: HttpResponse, head: RequestHead): boolean {
    if (this.#config.admin === 'off') {
      response.writeStatus('403 Forbidden').writeHeader(...NO_SNIFF)
      if (head.isHead) endHead(response, ADMIN_OFF)
      else response.end(ADMIN_OFF)
      return false
    }
    const denial = this.#adminGate.denial(response, head)
    if (denial !== undefined) {
      this.#answer.deny(response, head, denial)
      return false
    }
    response.writeStatus('200 OK')
    // No CORS for who needs no token, but to be here: a page must not read this through its
    // visitor.
    if (this.#adminGate.who !== 'loopback') this.#answer.cors(response, head.origin)
    return true
  }

  #writeStatus(response: HttpResponse): void {
    const isAborted = watchAbort(response)
    this.#status.open((pages) => {
      if (!isAborted()) writePages(response, pages, isAborted)
    })
  }

  readonly #notFound: Handler = (response, request, { origin }) => {
    const isHead = request.getMethod() === 'head'
    const detail = 'nothing is served under this path'
    this.#answer.problem(response, origin, 'not_found', detail, { isHead })
  }
}

/** For an answer that takes a while: tells whether the response must not be touched any more. */
function watchAbort(response: HttpResponse): () => boolean {
  let isAborted = false
  response.onAborted(() => {
    isAborted = true
  })
  return () => isAborted
}
