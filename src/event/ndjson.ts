// A batch of events as newline-delimited JSON: all lines are good, or none is taken. Pure.
import { Fault } from './fault.ts'
import { checkFields, decodeString, type EventFields } from './frame.ts'
import type { JsonScanner } from './json.ts'
import { normaliseTopic } from './topic.ts'

/** One line of a batch, checked. */
export interface BatchEvent extends EventFields {
  readonly topic: string
  readonly data: Uint8Array
}

const LF = 0x0a
const QUOTE = 0x22

/**
 * Reads a body of lines `{"topic"?, "event"?, "id"?, "retry"?, "data"}`. Blank lines count as lines
 * and are skipped. Data that is a string is its text; any other JSON is the publisher's own text.
 * @param base the path's topic, which every line's topic is below
 * @returns the events in order, or the first bad line's Fault with its number
 */
export function readBatch(
  body: Uint8Array,
  base: string,
  scanner: JsonScanner,
): BatchEvent[] | Fault {
  const events: BatchEvent[] = []
  let line = 0
  for (let start = 0; start < body.length; ) {
    line++
    const found = body.indexOf(LF, start)
    const end = found === -1 ? body.length : found
    const text = body.subarray(start, end)
    start = end + 1
    if (text.every(isBlank)) continue
    const event = readLine(text, line, base, scanner)
    if (event instanceof Fault) {
      return new Fault('invalid_line', `line ${line} (${event.code}): ${event.detail}`)
    }
    events.push(event)
  }
  return events.length > 0 ? events : new Fault('empty_batch', 'the batch holds no event')
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d
}

function readLine(
  text: Uint8Array,
  line: number,
  base: string,
  scanner: JsonScanner,
): BatchEvent | Fault {
  const fault = scanner.scanObject(text, line)
  if (fault !== undefined) return fault
  const { members } = scanner
  const strings: Record<string, string | undefined> = {}
  for (let member = 0; member < members.length; member += 4) {
    const [keyStart, keyEnd, start, end] = members.slice(member, member + 4) as Span
    const key = decodeString(text, keyStart - 1, keyEnd + 1)
    if (!isField(key)) return new Fault('invalid_json', `unknown field ${JSON.stringify(key)}`)
    const isString = text[start] === QUOTE
    const value = isString
      ? decodeString(text, start, end)
      : Buffer.from(text.buffer, text.byteOffset + start, end - start).toString()
    if (!isString && key !== 'data' && key !== 'retry') {
      return new Fault('invalid_json', `${key} must be a string`)
    }
    strings[key] = value
  }
  const { topic = '', event, id, retry, data } = strings
  if (data === undefined) return new Fault('invalid_json', 'data is missing')
  // An escape such as \ud800 alone has no UTF-8: it would reach subscribers as another character.
  if (!data.isWellFormed()) return new Fault('invalid_json', 'data has a lone surrogate')
  const badField = checkFields(event, id, retry)
  if (badField !== undefined) return badField
  const full = topic === '' ? base : normaliseTopic(`${base}/${topic}`)
  if (full instanceof Fault) return full
  return { topic: full, event, id, retry, data: Buffer.from(data) }
}

type Span = [number, number, number, number]

function isField(key: string): boolean {
  return key === 'topic' || key === 'event' || key === 'id' || key === 'retry' || key === 'data'
}
