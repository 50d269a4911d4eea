// Events come in: POST /api/events and POST /publish/<topic>. Shard thread; hands to the outbox.

import type { HttpRequest, HttpResponse } from 'uWebSockets.js'
import { isUtf8 } from 'node:buffer'
import type { Config } from '../config/option.ts'
import { serialize } from '../document/serialize.ts'
import { Fault } from '../event/fault.ts'
import { checkFields, type EventFields, writeEvent, writeObject } from '../event/frame.ts'
import { JsonScanner, withoutLineBreaks } from '../event/json.ts'
import { readBatch } from '../event/ndjson.ts'
import { EVENTS_TOPIC, topicFromPath } from '../event/topic.ts'
import type { Shard } from '../shard/shard.ts'
import type { Answer } from './answer.ts'
import { LINGER_BYTES_MAX, readBody } from './body.ts'
import { Gate } from './gate.ts'
import type { RequestHead } from './head.ts'
import { type Peers, userIpJson } from './peer.ts'
import type { Tokens } from './token.ts'

const NDJSON = /^application\/x-ndjson\s*(;|$)/i

export class Ingest {
  readonly #config: Config
  readonly #shard: Shard
  readonly #answer: Answer
  readonly #peers: Peers
  readonly #scanner = new JsonScanner()
  readonly #eventsGate: Gate
  readonly #publishGate: Gate

  constructor(config: Config, shard: Shard, answer: Answer, peers: Peers, tokens: Tokens) {
    this.#config = config
    this.#shard = shard
    this.#answer = answer
    this.#peers = peers
    const gate = (otherwise: 'loopback' | 'public', isOpen: boolean, flag: string): Gate => {
      const opens = `${flag} public or --publish-token opens it`
      const localOnly = `publishing here is for programs on this machine; ${opens}`
      return new Gate({ right: 'publish', otherwise, isOpen, localOnly }, tokens, peers)
    }
    const { apiEvents, publish } = config
    this.#eventsGate = gate(apiEvents, apiEvents === 'public', '--api-events')
    this.#publishGate = gate(publish, false, '--publish')
  }

  /** POST /api/events: one JSON object, as pillarbox-event-dispatcher takes it. */
  postEvent(response: HttpResponse, _request: HttpRequest, head: RequestHead): void {
    const { origin } = head
    if (!this.#admits(response, head, this.#eventsGate)) return
    const needsIp = this.#config.userIp
    const userIp = needsIp ? userIpJson(this.#peers.of(response), head) : undefined
    this.#read(response, head, (body) => {
      const fault = this.#takeObject(body, userIp)
      if (fault === undefined) this.#answer.ok(response, origin)
      else this.#answer.problem(response, origin, fault.code, fault.detail)
    })
  }

  /** POST /publish/<topic>: the body is one event's data, or a batch as NDJSON. */
  publish(response: HttpResponse, request: HttpRequest, head: RequestHead): void {
    const { origin } = head
    if (!this.#admits(response, head, this.#publishGate)) return
    const isBatch = NDJSON.test(head.contentType)
    const topic = topicFromPath(request.getUrl().slice('/publish'.length))
    const fields = isBatch ? {} : readFields(request.getQuery() ?? '')
    const fault = topic instanceof Fault ? topic : fields instanceof Fault ? fields : undefined
    if (fault !== undefined) {
      this.#answer.problem(response, origin, fault.code, fault.detail)
      return
    }
    this.#read(response, head, (body) => {
      const accepted = isBatch
        ? this.#takeBatch(body, topic as string)
        : this.#takeText(body, topic as string, fields as EventFields)
      if (typeof accepted === 'number') {
        this.#answer.json(response, origin, '200 OK', serialize.accepted({ accepted }))
      } else this.#answer.problem(response, origin, accepted.code, accepted.detail)
    })
  }

  /** Who may publish, and may anyone now? Answers the request itself where not. */
  #admits(response: HttpResponse, head: RequestHead, gate: Gate): boolean {
    const denial = gate.denial(response, head)
    if (denial !== undefined) {
      this.#answer.deny(response, head, denial)
      return false
    }
    const { addresses, refusal } = this.#shard
    if (addresses !== undefined && !addresses.admitsPublish(this.#limitKey(response, head))) {
      const detail = `${this.#config.addressPostsPerSecondMax} requests a second; try again`
      this.#answer.problem(response, head.origin, 'too_many_publishes', detail)
      return false
    }
    if (refusal !== undefined) this.#refuse(response, head.origin, refusal)
    return refusal === undefined
  }

  #limitKey(response: HttpResponse, head: RequestHead): string {
    return this.#peers.limitKey(this.#peers.of(response), head)
  }

  #refuse(response: HttpResponse, origin: string, refusal: 'draining' | 'overloaded'): void {
    const detail =
      refusal === 'draining'
        ? 'the server is stopping; publish to another or try again'
        : 'subscribers wait for earlier events; try again'
    this.#answer.problem(response, origin, refusal, detail)
  }

  #read(response: HttpResponse, head: RequestHead, take: (body: Uint8Array) => void): void {
    const { origin } = head
    const { bodyBytesMax } = this.#config
    const tooLarge = (): void => {
      const detail = `the body is larger than ${bodyBytesMax} bytes`
      this.#answer.problem(response, origin, 'body_too_large', detail)
    }
    if (head.contentLength > bodyBytesMax + LINGER_BYTES_MAX) {
      tooLarge()
      return
    }
    readBody(response, head.contentLength, bodyBytesMax, (body) => {
      // The body may have taken its time: what held at its head may not hold any more.
      const { refusal } = this.#shard
      if (refusal !== undefined) this.#refuse(response, origin, refusal)
      else if (body === undefined) tooLarge()
      else take(body)
    })
  }

  #takeObject(body: Uint8Array, userIp: string | undefined): Fault | undefined {
    if (!isUtf8(body)) return notUtf8()
    const scanner = this.#scanner
    const fault = scanner.scanObject(body)
    if (fault !== undefined) return fault
    let text = body
    if (scanner.hasLineBreak) {
      text = withoutLineBreaks(body)
      scanner.scanObject(text)
    }
    const { outbox } = this.#shard
    const refused = writeObject(outbox.writer, EVENTS_TOPIC, text, scanner, userIp)
    if (refused === undefined) outbox.commit()
    return refused
  }

  #takeText(body: Uint8Array, topic: string, fields: EventFields): number | Fault {
    if (!isUtf8(body)) return notUtf8()
    writeEvent(this.#shard.outbox.writer, topic, fields, body)
    this.#shard.outbox.commit()
    return 1
  }

  #takeBatch(body: Uint8Array, topic: string): number | Fault {
    if (!isUtf8(body)) return notUtf8()
    const events = readBatch(body, topic, this.#scanner)
    if (events instanceof Fault) return events
    const { outbox } = this.#shard
    for (const event of events) writeEvent(outbox.writer, event.topic, event, event.data)
    outbox.commit(events.length)
    return events.length
  }
}

function notUtf8(): Fault {
  return new Fault('invalid_utf8', 'the body is not valid UTF-8')
}

/** `?event=&id=&retry=`; other names are none of ours. */
function readFields(query: string): EventFields | Fault {
  if (query === '') return {}
  const values = new URLSearchParams(query)
  const event = values.get('event') ?? undefined
  const id = values.get('id') ?? undefined
  const retry = values.get('retry') ?? undefined
  return checkFields(event, id, retry) ?? { event, id, retry }
}
