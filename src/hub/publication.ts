// What a program publishes that uses the library: checked as requests are, into the hub's inlet. Main
// thread.
import { isUtf8 } from 'node:buffer'
import { CarillonError } from '../error.ts'
import { Fault } from '../event/fault.ts'
import { checkFields } from '../event/frame.ts'
import { normaliseTopic } from '../event/topic.ts'
import type { Inlet } from './inlet.ts'

/** An event to publish. */
export interface Publication {
  /** A path such as `/pets/dogs`: at most 16 segments and 512 bytes, not percent-encoded. */
  readonly topic: string
  /**
   * Text, or its UTF-8; at most the option `bodyBytesMax`. Each line end in it begins a new `data:`
   * line, and reaches clients as LF. Anything else: JSON.stringify it.
   */
  readonly data: string | Uint8Array
  /** What `addEventListener` of an EventSource goes by; without it, `message`. At most 256 bytes. */
  readonly event?: string
  /** What clients send back as Last-Event-ID. At most 256 bytes. */
  readonly id?: string
  /** When clients are to reconnect after a loss, in ms. */
  readonly retry?: number
}

/**
 * @returns false, with the event dropped, while subscribers wait for earlier events
 * @throws CarillonError `bad_event`, and nothing is published
 */
export function publish(inlet: Inlet, publication: Publication, bytesMax: number): boolean {
  const { topic: path, data, event, id, retry } = publication
  const topic = normaliseTopic(path)
  if (topic instanceof Fault) throw bad(topic.detail)
  const fields = { event, id, retry: retry === undefined ? undefined : String(retry) }
  const fault = checkFields(fields.event, fields.id, fields.retry)
  if (fault !== undefined) throw bad(fault.detail)
  const bytes = bytesOf(data)
  if (bytes.length > bytesMax) throw bad(`data has ${bytes.length} bytes, limit ${bytesMax}`)
  return inlet.publish(topic, fields, bytes)
}

function bytesOf(data: string | Uint8Array): Uint8Array {
  if (typeof data === 'string') {
    if (!data.isWellFormed()) throw bad('data has a lone surrogate')
    return Buffer.from(data)
  }
  if (!(data instanceof Uint8Array)) throw bad('data must be a string or a Uint8Array')
  if (!isUtf8(data)) throw bad('data is not valid UTF-8')
  return data
}

function bad(why: string): CarillonError {
  return new CarillonError('bad_event', `cannot publish: ${why}`)
}
