// What is served under which path, and the answers that need no room of their own: health, ready.
// Shard thread. With the traps of the pinned uWebSockets.js build, docs/architecture.md tells each.
import type { HttpRequest, HttpResponse, TemplatedApp } from 'uWebSockets.js'
import { parseRanges } from '../config/network.ts'
import type { Config } from '../config/option.ts'
import type { Desk } from '../ops/desk.ts'
import { healthBody, readiness } from '../ops/health.ts'
import type { Shard } from '../shard/shard.ts'
import { Admin } from './admin.ts'
import { Answer, endHead, NO_SNIFF } from './answer.ts'
import { type Handler, RequestHead } from './head.ts'
import { Ingest } from './ingest.ts'
import { Peers } from './peer.ts'
import { Subscribe } from './subscribe.ts'
import { Tokens } from './token.ts'
import { welcomeHandlers } from './welcome.ts'

type Method = 'GET' | 'POST'

export class Routes {
  readonly #config: Config
  readonly #shard: Shard
  readonly #answer: Answer
  readonly #ingest: Ingest
  readonly #subscribe: Subscribe
  readonly #admin: Admin
  readonly #welcome: ReadonlyMap<string, Handler>
  readonly #head = new RequestHead()

  constructor(config: Config, shard: Shard, desk: Desk, startedAt: number) {
    this.#config = config
    this.#shard = shard
    const answer = new Answer(config.corsOrigins, config.retryAfterSeconds)
    this.#answer = answer
    const peers = new Peers(parseRanges(config.trustProxy))
    const tokens = new Tokens(config)
    this.#admin = new Admin({ config, shard, desk, startedAt, answer, peers, tokens })
    this.#welcome = welcomeHandlers(config)
    this.#ingest = new Ingest(config, shard, answer, peers, tokens)
    this.#subscribe = new Subscribe(shard, answer, peers, tokens, config.reconnectMs)
  }

  /** Error answers so far, by their code. */
  get problems(): Readonly<Record<string, number>> {
    return this.#answer.problems
  }

  /** There are new figures, for who watches them. */
  tellWatchers(): void {
    this.#admin.watchers.tell()
  }

  /** Ends the streams of who watches; those of subscribers are the shard's. */
  endWatchers(): void {
    this.#admin.watchers.end(this.#config.reconnectMs)
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
    for (const [path, handler] of this.#admin.handlers) this.#route(app, path, { GET: handler })
    for (const [path, handler] of this.#welcome) this.#route(app, path, { GET: handler })
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

  readonly #notFound: Handler = (response, request, { origin }) => {
    const isHead = request.getMethod() === 'head'
    const detail = 'nothing is served under this path'
    this.#answer.problem(response, origin, 'not_found', detail, { isHead })
  }
}
