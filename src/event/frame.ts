// An event as SSE bytes (WHATWG HTML, 9.2.6): encoded once, in the thread that took the event in.
// Pure; writes into the batch of the turn.
import type { BatchWriter } from './batch.ts'
import { Fault } from './fault.ts'
import type { JsonScanner } from './json.ts'

/** Longest event name and id, in bytes of UTF-8. */
export const NAME_BYTES_MAX = 256

/** Largest `retry`, in ms: browsers' timers are 32-bit signed, a longer one fires at once. */
export const RETRY_MS_MAX = 2_147_483_647

/** Most top-level `user_ip` in one object: replacing very many would multiply a long address. */
export const USER_IPS_MAX = 16

/** A comment, which clients skip: the heartbeat of an idle stream. */
export const COMMENT = Buffer.from(':\n\n')

/** What an event has besides topic and data. Fields that are absent or empty give no line. */
export interface EventFields {
  /** No CR, LF or NUL; at most {@link NAME_BYTES_MAX}. */
  readonly event?: string | undefined
  /** As `event`. Clients send it back as Last-Event-ID. */
  readonly id?: string | undefined
  /** Reconnection time in ms, as decimal digits. */
  readonly retry?: string | undefined
}

const LINE_END = /\r\n|\r|\n/
const DATA = Buffer.from('data: ')
const USER_IP = Buffer.from('"user_ip":')
const USER_IP_KEY = 'user_ip'
const BACKSLASH = 0x5c
const COMMA = 0x2c
const LF = 0x0a
const COLON = 0x3a
const FRAME_END = '\n\n'
const CR = 0x0d

/**
 * The last frame of a stream that ends with its server: reconnect after between once and twice
 * `reconnectMs`, so that clients come back spread out.
 */
export function retryFrame(reconnectMs: number): Buffer {
  return Buffer.from(`retry: ${Math.round(reconnectMs * (1 + Math.random()))}\n\n`)
}

/** Tells a subscriber that so many events were left out: as a comment, and if asked as an event. */
export function skipFrames(events: number, isAnnounced: boolean): Buffer {
  const comment = `: skipped ${events} events\n\n`
  const event = `event: carillon.skipped\ndata: {"events":${events}}\n\n`
  return Buffer.from(isAnnounced ? comment + event : comment)
}

/**
 * Where the first frame ends of bytes that begin within one. Only there an empty line stands.
 * @param afterLine the byte before them ended a line
 */
export function frameEnd(bytes: Uint8Array, afterLine: boolean): number {
  if (afterLine && bytes[0] === LF) return 1
  return asBuffer(bytes).indexOf(FRAME_END) + FRAME_END.length
}

/** How many events whole frames hold. Comments are none. */
export function countEvents(frames: Uint8Array): number {
  const bytes = asBuffer(frames)
  let count = 0
  let at = 0
  while (at < bytes.length) {
    if (bytes[at] !== COLON) count++
    const end = bytes.indexOf(FRAME_END, at)
    at = end === -1 ? bytes.length : end + FRAME_END.length
  }
  return count
}

function asBuffer({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length)
}

/** Checks name, id and retry as a publisher sent them. Empty texts count as absent. */
export function checkFields(
  event: string | undefined,
  id: string | undefined,
  retry: string | undefined,
): Fault | undefined {
  const bad = faultOfLine(event)
  if (bad !== undefined) return new Fault('invalid_event_name', `the event name ${bad}`)
  const badId = faultOfLine(id)
  if (badId !== undefined) return new Fault('invalid_event_id', `the event id ${badId}`)
  if (retry && !(/^\d{1,10}$/.test(retry) && Number(retry) <= RETRY_MS_MAX)) {
    return new Fault('invalid_retry', `retry must be digits, at most ${RETRY_MS_MAX} (ms)`)
  }
  return undefined
}

function faultOfLine(text: string | undefined): string | undefined {
  if (!text) return undefined
  // biome-ignore lint/suspicious/noControlCharactersInRegex: NUL is what is looked for.
  if (/[\r\n\u0000]/.test(text)) return 'has a line end or NUL'
  if (!text.isWellFormed()) return 'is not valid Unicode'
  const bytes = Buffer.byteLength(text)
  if (bytes > NAME_BYTES_MAX) return `is ${bytes} bytes long, limit ${NAME_BYTES_MAX}`
  return undefined
}

/**
 * Writes one event on a topic. Its fields must have passed {@link checkFields}.
 * @param data UTF-8 text. Each CR, LF or CRLF in it begins a new `data:` line, and reaches the
 * client as LF.
 */
export function writeEvent(
  out: BatchWriter,
  topic: string,
  fields: EventFields,
  data: Uint8Array,
): void {
  let lines = ''
  if (fields.event) lines += `event: ${fields.event}\n`
  if (fields.id) lines += `id: ${fields.id}\n`
  if (fields.retry) lines += `retry: ${fields.retry}\n`
  const text = Buffer.from(data.buffer, data.byteOffset, data.length)
  const isOneLine = !text.includes(LF) && !text.includes(CR)
  const body = isOneLine ? data : Buffer.from(text.toString().split(LINE_END).join('\ndata: '))
  // Three bytes is the most that one UTF-16 unit takes in UTF-8.
  out.reserve(lines.length * 3 + DATA.length + body.length + 2)
  const { buffer } = out
  let at = lines === '' ? out.length : out.length + buffer.write(lines, out.length)
  at = put(buffer, DATA, at)
  at = put(buffer, body, at)
  buffer[at++] = LF
  buffer[at++] = LF
  out.commit(topic, at)
}

/**
 * Writes a JSON object as one event, in the publisher's own text: no number, key order or escape
 * changes. Where `userIp` is given (a JSON string in quotes), it becomes the value of every
 * top-level `user_ip`, or is added as the last member.
 * @param text one JSON object on one line, just scanned by `scanner`
 * @returns a Fault, with nothing written, for more than {@link USER_IPS_MAX} of them
 */
export function writeObject(
  out: BatchWriter,
  topic: string,
  text: Uint8Array,
  scanner: JsonScanner,
  userIp: string | undefined,
): Fault | undefined {
  const { members, close } = scanner
  const values = userIp === undefined ? [] : userIpValues(text, members)
  if (values.length > USER_IPS_MAX) {
    const found = `user_ip stands ${values.length} times`
    return new Fault('invalid_json', `${found} at the top level, limit ${USER_IPS_MAX}`)
  }
  const ipRoom = userIp === undefined ? 0 : userIp.length * 3
  out.reserve(text.length + DATA.length + USER_IP.length + 3 + ipRoom * Math.max(1, values.length))
  const { buffer } = out
  let at = put(buffer, DATA, out.length)
  let from = 0
  for (const member of values) {
    at = put(buffer, text.subarray(from, members[member + 2]), at)
    at += buffer.write(userIp as string, at)
    from = members[member + 3] as number
  }
  if (userIp !== undefined && values.length === 0) {
    at = put(buffer, text.subarray(0, close), at)
    if (members.length > 0) buffer[at++] = COMMA
    at = put(buffer, USER_IP, at)
    at += buffer.write(userIp, at)
    from = close
  }
  at = put(buffer, from === 0 ? text : text.subarray(from), at)
  buffer[at++] = LF
  buffer[at++] = LF
  out.commit(topic, at)
  return undefined
}

/**
 * The data of each event in a stretch of frames, as a client reads it: the way back from
 * {@link writeEvent}. No frame of ours has an empty line inside.
 */
export function eachData(frames: string, take: (data: string) => void): void {
  let start = 0
  for (let end = frames.indexOf('\n\n'); end !== -1; end = frames.indexOf('\n\n', start)) {
    // Nearly all events are one line of data.
    if (frames.startsWith('data: ', start) && frames.indexOf('\n', start) === end) {
      take(frames.slice(start + 6, end))
    } else {
      const lines = frames.slice(start, end).split('\n')
      const data = lines.filter((line) => line.startsWith('data: '))
      take(data.map((line) => line.slice(6)).join('\n'))
    }
    start = end + 2
  }
}

function put(buffer: Buffer, bytes: Uint8Array, at: number): number {
  buffer.set(bytes, at)
  return at + bytes.length
}

const NONE: readonly number[] = []

/** Indexes of the members whose key is user_ip, however it is escaped. */
function userIpValues(text: Uint8Array, members: readonly number[]): readonly number[] {
  let found: number[] | undefined
  for (let member = 0; member < members.length; member += 4) {
    const start = members[member] as number
    const end = members[member + 1] as number
    if (isUserIp(text, start, end)) {
      found ??= []
      found.push(member)
    }
  }
  return found ?? NONE
}

function isUserIp(text: Uint8Array, start: number, end: number): boolean {
  const length = end - start
  if (length < USER_IP_KEY.length) return false
  if (length === USER_IP_KEY.length) {
    for (let at = 0; at < length; at++) {
      if (text[start + at] !== USER_IP_KEY.charCodeAt(at)) return false
    }
    return true
  }
  // Longer, it can only be user_ip with escapes in it, such as \u0075ser_ip.
  const key = text.subarray(start, end)
  return key.includes(BACKSLASH) && decodeString(text, start - 1, end + 1) === USER_IP_KEY
}

/** The value of a JSON string that stands, with its quotes, from start to end. */
export function decodeString(text: Uint8Array, start: number, end: number): string {
  return JSON.parse(Buffer.from(text.buffer, text.byteOffset + start, end - start).toString())
}
