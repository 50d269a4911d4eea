// The uWS app of a shard: listen sockets and routes. Shard thread.
// With the traps of the pinned uWebSockets.js build, docs/architecture.md tells each.
import {
  App,
  type HttpRequest,
  type HttpResponse,
  type TemplatedApp,
  type us_listen_socket,
  us_listen_socket_close,
} from 'uWebSockets.js'
import { parseRanges } from '../config/network.ts'
import type { Config } from '../config/option.ts'
import { healthBody, readiness } from '../ops/health.ts'
import type { StatusDesk } from '../ops/status.ts'
import type { Shard } from '../shard/shard.ts'
import { Answer, endHead, writePages } from './answer.ts'
import { RequestHead } from './head.ts'
import { Ingest } from './ingest.ts'
import { isLocal, Peers } from './peer.ts'
import { Subscribe } from './subscribe.ts'

type Handler = (response: HttpResponse, request: HttpRequest, head: RequestHead) => void

type Method = 'GET' | 'POST'

const ADMIN_OFF = '403 admin endpoint disabled'

// What the build's types leave out.
interface AppWithDescriptors extends TemplatedApp {
  getDescriptor(): number
  addChildAppDescriptor(descriptor: number): void
}

export class HttpApp {
  readonly #config: Config
  readonly #shard: Shard
  readonly #status: StatusDesk
  readonly #answer: Answer
  readonly #peers: Peers
  readonly #app = App() as AppWithDescriptors
  readonly #head = new RequestHead()
  #listenSockets: us_listen_socket[] = []
  /** Takes connections for the apps of all shards where they cannot share a port. */
  #acceptor: AppWithDescriptors | undefined

  constructor(config: Config, shard: Shard, status: StatusDesk) {
    this.#config = config
    this.#shard = shard
    this.#status = status
    this.#answer = new Answer(config.corsOrigins, config.retryAfterSeconds)
    this.#peers = new Peers(parseRanges(config.trustProxy))
    const ingest = new Ingest(config, shard, this.#answer, this.#peers)
    const subscribe = new Subscribe(shard, this.#answer, this.#peers, config.reconnectMs)
    this.#route('/api/events', { POST: ingest.postEvent.bind(ingest) })
    this.#route('/publish', { POST: ingest.publish.bind(ingest) })
    this.#route('/publish/*', { POST: ingest.publish.bind(ingest) })
    this.#route('/events', { GET: subscribe.events.bind(subscribe) })
    this.#route('/subscribe', { GET: subscribe.topic.bind(subscribe) })
    this.#route('/subscribe/*', { GET: subscribe.topic.bind(subscribe) })
    this.#route('/health', { GET: (...args) => this.#health(...args) })
    this.#route('/ready', { GET: (...args) => this.#ready(...args) })
    this.#route('/admin/status.json', { GET: (...args) => this.#statusJson(...args) })
    // Without a route for everything, uWS closes the socket without an answer.
    this.#app.any('/*', this.#checked(this.#notFound))
  }

  /**
   * Listens, several times on the one port: a listen socket queues 512 connections, and 10,000
   * that come at once would lose SYNs and wait a second for each.
   * @returns false where the port cannot be listened on
   */
  listen(port: number): boolean {
    const listener = this.#acceptor ?? this.#app
    const keep = (token: us_listen_socket | false): void => {
      if (token !== false) this.#listenSockets.push(token)
    }
    for (let socket = 0; socket < this.#config.listenSockets; socket++) {
      if (this.#config.host === '*') listener.listen(port, keep)
      else listener.listen(this.#config.host, port, keep)
    }
    return this.#listenSockets.length === this.#config.listenSockets
  }

  /** For shards that cannot share the port: what `adopt` in the accepting shard takes. */
  get descriptor(): number {
    return this.#app.getDescriptor()
  }

  /** Hands every connection that this shard accepts to the app of this descriptor, in turn. */
  adopt(descriptor: number): void {
    this.#acceptor ??= App() as AppWithDescriptors
    this.#acceptor.addChildAppDescriptor(descriptor)
  }

  /** No new connections; those that are open go on. */
  stopListening(): void {
    for (const socket of this.#listenSockets) us_listen_socket_close(socket)
    this.#listenSockets = []
  }

  /**
   * Closes everything at once. It must be called before the thread ends, however it ends: a uWS
   * socket left open aborts the whole process.
   */
  close(): void {
    this.#acceptor?.close()
    this.#app.close()
  }

  #route(path: string, handlers: { readonly [M in Method]?: Handler }): void {
    const { GET, POST } = handlers
    const methods = Object.keys(handlers)
    if (GET !== undefined) {
      methods.push('HEAD')
      this.#app.get(path, this.#checked(GET))
      this.#app.head(path, this.#checked(GET, true))
    }
    if (POST !== undefined) this.#app.post(path, this.#checked(POST))
    const allow = [...methods, 'OPTIONS'].join(', ')
    this.#app.options(
      path,
      this.#checked((response, _request, { origin }) => {
        this.#answer.preflight(response, origin, allow)
      }),
    )
    this.#app.any(
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
      if (framingFault !== '') {
        this.#answer.problem(response, head.origin, 'bad_request_head', framingFault, { isHead })
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
    response.writeHeader('Content-Type', 'application/json')
    endHead(response, body)
  }

  #statusJson(response: HttpResponse, _request: HttpRequest, head: RequestHead): void {
    const { admin } = this.#config
    const { isHead } = head
    if (admin === 'off') {
      response.writeStatus('403 Forbidden')
      if (isHead) endHead(response, ADMIN_OFF)
      else response.end(ADMIN_OFF)
    } else if (admin === 'loopback' && !isLocal(this.#peers.of(response), head)) {
      const detail =
        "the status shows clients' addresses: it is for programs on this machine; \
--admin public opens it"
      this.#answer.problem(response, head.origin, 'forbidden', detail, { isHead })
    } else {
      // No CORS unless it is public: a page must not read the status through its visitor.
      if (admin === 'public') this.#answer.cors(response.writeStatus('200 OK'), head.origin)
      response.writeHeader('Content-Type', 'application/json')
      if (isHead) response.endWithoutBody()
      else this.#writeStatus(response)
    }
  }

  #writeStatus(response: HttpResponse): void {
    let isAborted = false
    response.onAborted(() => {
      isAborted = true
    })
    this.#status.open((pages) => {
      if (!isAborted) writePages(response, pages, () => isAborted)
    })
  }

  readonly #notFound: Handler = (response, request, { origin }) => {
    const isHead = request.getMethod() === 'head'
    const detail = 'nothing is served under this path'
    this.#answer.problem(response, origin, 'not_found', detail, { isHead })
  }
}
