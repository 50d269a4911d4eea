// Subscribers come in: GET /events and GET /subscribe/<topic>. Shard thread; hands to the shard.
import type { HttpRequest, HttpResponse } from 'uWebSockets.js'
import { Fault } from '../event/fault.ts'
import { retryFrame } from '../event/frame.ts'
import { EVENTS_TOPIC, topicFromPath } from '../event/topic.ts'
import type { Census } from '../shard/census.ts'
import type { Shard } from '../shard/shard.ts'
import { writeClosing } from '../shard/stream.ts'
import type { Answer } from './answer.ts'
import { Gate } from './gate.ts'
import type { RequestHead } from './head.ts'
import { clientIp, type Peers } from './peer.ts'
import type { Tokens } from './token.ts'

/** The first bytes of every stream: uWS sends the headers only with a first write. */
const GREETING = Buffer.from(':ok\n\n')

// Each as its original answers.
const EVENTS_TYPE = 'text/event-stream'
const SUBSCRIBE_TYPE = 'text/event-stream; charset=utf-8'

/** Longest text kept of a subscriber for the status, in characters: 10,000 keep three each. */
const TEXT_LENGTH_MAX = 1024
/** Different User-Agents that share one string; past it all are forgotten. */
const AGENTS_MAX = 4096

export class Subscribe {
  readonly #shard: Shard
  readonly #answer: Answer
  readonly #peers: Peers
  readonly #gate: Gate
  readonly #reconnectMs: number
  readonly #agents = new Map<string, string>()

  constructor(shard: Shard, answer: Answer, peers: Peers, tokens: Tokens, reconnectMs: number) {
    this.#reconnectMs = reconnectMs
    this.#shard = shard
    this.#answer = answer
    this.#peers = peers
    this.#gate = new Gate({ right: 'subscribe', otherwise: 'public', localOnly: '' }, tokens, peers)
  }

  /** GET or HEAD /events: what POST /api/events takes in. */
  events(response: HttpResponse, request: HttpRequest, head: RequestHead): void {
    this.#open(response, request, head, EVENTS_TOPIC, EVENTS_TYPE)
  }

  /** GET or HEAD /subscribe/<topic>: the topic and all below it. */
  topic(response: HttpResponse, request: HttpRequest, head: RequestHead): void {
    const topic = topicFromPath(request.getUrl().slice('/subscribe'.length))
    if (topic instanceof Fault) {
      this.#answer.problem(response, head.origin, topic.code, topic.detail, head)
    } else this.#open(response, request, head, topic, SUBSCRIBE_TYPE)
  }

  #open(
    response: HttpResponse,
    request: HttpRequest,
    head: RequestHead,
    topic: string,
    type: string,
  ): void {
    // An EventSource can set no header, so the query has the token (RFC 6750, 2.3). Neither the
    // path in the status nor a log line has the query.
    const denial = this.#gate.denial(response, head, request.getQuery() ?? '')
    if (denial !== undefined) {
      this.#answer.deny(response, head, denial)
      return
    }
    if (refuseIfFull(this.#shard.census, response, head, this.#answer)) return
    const peer = this.#peers.of(response)
    const { addresses } = this.#shard
    const address = addresses === undefined ? '' : this.#peers.limitKey(peer, head)
    if (addresses?.admitsStream(address) === false) {
      const detail = 'this address has as many streams as it may; close one'
      this.#answer.problem(response, head.origin, 'too_many_streams', detail, head)
      return
    }
    response.writeStatus('200 OK')
    const { isDraining } = this.#shard
    response.writeHeader('Content-Type', type).writeHeader('Cache-Control', 'no-cache')
    if (!isDraining) response.writeHeader('Connection', 'keep-alive')
    this.#answer.cors(response, head.origin)
    // nginx would hold events back until its buffer is full.
    response.writeHeader('X-Accel-Buffering', 'no')
    if (head.isHead) {
      response.endWithoutBody()
      return
    }
    if (isDraining) {
      // Any status but 200 makes an EventSource give up (WHATWG HTML, 9.2.2), and behind a proxy a
      // lost connection is a 502. So it gets a stream that only says when to come back.
      response.end(retryFrame(this.#reconnectMs), true)
      return
    }
    response.write(GREETING)
    const identity = {
      requestPath: shortened(request.getUrl()),
      clientIp: shortened(clientIp(peer, head)),
      address,
      userAgent: this.#agent(head.userAgent),
    }
    this.#shard.subscribe(response, topic, identity)
    writeClosing(response)
  }

  #agent(text: string): string {
    const agent = shortened(text)
    const known = this.#agents.get(agent)
    if (known !== undefined) return known
    if (this.#agents.size === AGENTS_MAX) this.#agents.clear()
    this.#agents.set(agent, agent)
    return agent
  }
}

/** Answers a stream that is one connection too many. @returns whether it is */
export function refuseIfFull(
  census: Census,
  response: HttpResponse,
  head: RequestHead,
  answer: Answer,
): boolean {
  if (!census.isFull) return false
  census.refused++
  const detail = 'the server has as many connections as it may; try again'
  answer.problem(response, head.origin, 'too_many_connections', detail, head)
  return true
}

/** Copied where it is cut, because a slice would keep the whole header in memory. */
function shortened(text: string): string {
  return text.length > TEXT_LENGTH_MAX
    ? Buffer.from(text.slice(0, TEXT_LENGTH_MAX)).toString()
    : text
}
