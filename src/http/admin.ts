// What operators read: the status, the lists of the admin page and the stream of its figures, and the
// metrics. Shard thread. Who may is decided here; what they read is made in ops.
import type { HttpRequest, HttpResponse } from 'uWebSockets.js'
import type { Config } from '../config/option.ts'
import type { Listing } from '../hub/inquiry.ts'
import type { DispatcherState } from '../hub/message.ts'
import { connectionList, connectionListing } from '../ops/connection-list.ts'
import type { Desk } from '../ops/desk.ts'
import { type ListingSpec, parseListing } from '../ops/listing.ts'
import { expose } from '../ops/metrics.ts'
import { slowList } from '../ops/slow-list.ts'
import { snapshotText } from '../ops/snapshot.ts'
import { statusPages } from '../ops/status.ts'
import { topicList, topicListing } from '../ops/topic-list.ts'
import type { Shard } from '../shard/shard.ts'
import { type Answer, endHead, NO_SNIFF, watchAbort, writePages } from './answer.ts'
import { Gate } from './gate.ts'
import type { Handler, RequestHead } from './head.ts'
import { type Page, pages, writeMoved, writePage } from './page.ts'
import type { Peers } from './peer.ts'
import { refuseIfFull } from './subscribe.ts'
import type { Tokens } from './token.ts'
import { Watchers } from './watcher.ts'

const JSON_TYPE = 'application/json'
const ADMIN_OFF = '403 admin endpoint disabled'

function adminGate({ admin }: Config, tokens: Tokens, peers: Peers): Gate {
  const localOnly =
    "the status shows clients' addresses: it is for programs on this machine; \
--admin public or --admin-token opens it"
  const otherwise = admin === 'public' ? 'public' : 'loopback'
  return new Gate({ right: 'admin', otherwise, localOnly }, tokens, peers)
}

/** What it needs of the thread and of the other routes. */
export interface AdminContext {
  readonly config: Config
  readonly shard: Shard
  /** Asks all shards. */
  readonly desk: Desk
  /** Start of the dispatcher, Unix ms. */
  readonly startedAt: number
  readonly answer: Answer
  readonly peers: Peers
  readonly tokens: Tokens
}

export class Admin {
  readonly handlers: readonly (readonly [path: string, handler: Handler])[] = [
    ['/admin/status.json', (...args) => this.#status(...args)],
    ['/admin/connections.json', (...args) => this.#connections(...args)],
    ['/admin/topics.json', (...args) => this.#topics(...args)],
    ['/admin/slow.json', (...args) => this.#slow(...args)],
    ['/admin/events', (...args) => this.#events(...args)],
    ['/metrics', (...args) => this.#metrics(...args)],
    ['/admin', (...args) => this.#moved(...args)],
    ...[...pages]
      .filter(([path]) => path.startsWith('/admin/'))
      .map(([path, page]): [string, Handler] => [path, (...args) => this.#page(page, ...args)]),
  ]
  readonly watchers: Watchers
  readonly #context: AdminContext
  readonly #gate: Gate

  constructor(context: AdminContext) {
    const { config, peers, shard, tokens } = context
    this.#context = context
    this.#gate = adminGate(config, tokens, peers)
    this.watchers = new Watchers(() => {
      return snapshotText(config.nodeName, shard.state as DispatcherState)
    })
  }

  #status(response: HttpResponse, _request: HttpRequest, head: RequestHead): void {
    if (!this.#admits(response, head)) return
    const { config, desk, startedAt } = this.#context
    const isAborted = this.#beginLong(response, head, JSON_TYPE)
    if (isAborted === undefined) return
    desk.ask({ kind: 'status' }, (gathered) => {
      if (isAborted()) return
      writePages(response, statusPages(config.nodeName, startedAt, gathered), isAborted)
    })
  }

  #connections(response: HttpResponse, request: HttpRequest, head: RequestHead): void {
    const listing = this.#listing(response, request, head, connectionListing)
    if (listing === undefined) return
    this.#document(response, head, (done) => {
      this.#context.desk.ask({ kind: 'connections', listing }, (gathered) => {
        done(connectionList(listing, gathered))
      })
    })
  }

  #topics(response: HttpResponse, request: HttpRequest, head: RequestHead): void {
    const listing = this.#listing(response, request, head, topicListing)
    if (listing === undefined) return
    this.#document(response, head, (done) => {
      this.#context.desk.ask({ kind: 'topics' }, (gathered) => done(topicList(listing, gathered)))
    })
  }

  #slow(response: HttpResponse, _request: HttpRequest, head: RequestHead): void {
    if (!this.#admits(response, head)) return
    this.#document(response, head, (done) => {
      this.#context.desk.ask({ kind: 'slow' }, (gathered) => done(slowList(gathered)))
    })
  }

  #events(response: HttpResponse, _request: HttpRequest, head: RequestHead): void {
    const { answer, shard } = this.#context
    if (!this.#admits(response, head) || this.#isStarting(response, head)) return
    if (refuseIfFull(shard.census, response, head, answer)) return
    this.#begin(response, head, 'text/event-stream')
    response.writeHeader('Cache-Control', 'no-cache').writeHeader('X-Accel-Buffering', 'no')
    if (head.isHead) response.endWithoutBody()
    else this.watchers.open(response)
  }

  #metrics(response: HttpResponse, request: HttpRequest, head: RequestHead): void {
    if (!this.#admits(response, head) || this.#isStarting(response, head)) return
    const { state } = this.#context.shard
    const { contentType, text } = expose(state as DispatcherState, request.getHeader('accept'))
    this.#document(response, head, (done) => void text.then(done), contentType)
  }

  #moved(response: HttpResponse, _request: HttpRequest, head: RequestHead): void {
    if (this.#admits(response, head, true)) writeMoved(response, '/admin/')
  }

  #page(page: Page, response: HttpResponse, request: HttpRequest, head: RequestHead): void {
    if (this.#admits(response, head, true)) writePage(response, request, head, page)
  }

  /** What the query asks for; else answers. */
  #listing<S extends string>(
    response: HttpResponse,
    request: HttpRequest,
    head: RequestHead,
    spec: ListingSpec<S>,
  ): Listing<S> | undefined {
    if (!this.#admits(response, head)) return undefined
    const listing = parseListing(request.getQuery() ?? '', spec)
    if (typeof listing !== 'string') return listing
    this.#context.answer.problem(response, head.origin, 'invalid_query', listing, head)
    return undefined
  }

  /** A document that takes a while. */
  #document(
    response: HttpResponse,
    head: RequestHead,
    make: (done: (text: string) => void) => void,
    contentType = JSON_TYPE,
  ): void {
    const isAborted = this.#beginLong(response, head, contentType)
    if (isAborted === undefined) return
    make((text) => {
      if (!isAborted()) response.cork(() => response.end(text))
    })
  }

  /** Nothing has been counted yet: answers so. */
  #isStarting(response: HttpResponse, head: RequestHead): boolean {
    const { answer, shard } = this.#context
    if (shard.state !== undefined) return false
    answer.problem(response, head.origin, 'starting', 'nothing has been counted yet', head)
    return true
  }

  /**
   * May it read this? Else answers.
   * @param isPage a browser can give no token for a page: it has nothing of clients, and asks for one
   */
  #admits(response: HttpResponse, head: RequestHead, isPage = false): boolean {
    const { answer, config } = this.#context
    if (config.admin === 'off') {
      response.writeStatus('403 Forbidden').writeHeader(...NO_SNIFF)
      if (head.isHead) endHead(response, ADMIN_OFF)
      else response.end(ADMIN_OFF)
      return false
    }
    if (isPage && this.#gate.who === 'token') return true
    const denial = this.#gate.denial(response, head)
    if (denial !== undefined) answer.deny(response, head, denial)
    return denial === undefined
  }

  /**
   * Begins an answer that takes a while, and ends it where it has no body.
   * @returns whether the response must not be touched any more; undefined where nothing is to follow
   */
  #beginLong(
    response: HttpResponse,
    head: RequestHead,
    contentType: string,
  ): (() => boolean) | undefined {
    this.#begin(response, head, contentType)
    if (!head.isHead) return watchAbort(response)
    response.endWithoutBody()
    return undefined
  }

  /** Begins the answer to who may read it. */
  #begin(response: HttpResponse, { origin }: RequestHead, contentType: string): void {
    response.writeStatus('200 OK')
    // No CORS for who needs no token, but to be here: a page must not read this through its
    // visitor.
    if (this.#gate.who !== 'loopback') this.#context.answer.cors(response, origin)
    response.writeHeader('Content-Type', contentType).writeHeader(...NO_SNIFF)
  }
}
