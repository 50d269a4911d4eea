// How a message of a source becomes an event: which topic and which name it gets, from the channel
// that it came on. Pure; a Mapping for each subscription of a source.
import { isUtf8 } from 'node:buffer'
import { Fault } from './fault.ts'
import { checkFields } from './frame.ts'
import { Pattern } from './pattern.ts'
import { normaliseTopic } from './topic.ts'

/** Longest name of a channel, in bytes; a message on a longer one is refused. */
export const CHANNEL_BYTES_MAX = 1024
/** Channels whose target is remembered; past it all are forgotten. */
const TARGETS_MAX = 4096

/** What to listen to, and what to make of it. */
export interface Subscription {
  /** The one channel, by its whole name. */
  readonly channel?: string | undefined
  /** Channels, as PSUBSCRIBE matches them. One of `channel` and `pattern` is given. */
  readonly pattern?: string | undefined
  /** Template of the topic: `{channel}` is the channel's name, `{1}` what the first wildcard is. */
  readonly topic: string
  /** Template of the event name; without it events have none. */
  readonly event?: string | undefined
}

/** Where the messages of one channel go. */
export interface Target {
  readonly topic: string
  readonly event: string | undefined
}

/** A template in pieces: text, or the number of a capture, of which 0 is the whole channel. */
type Piece = string | number

export class Mapping {
  readonly #pattern: Pattern | undefined
  readonly #topic: readonly Piece[]
  readonly #event: readonly Piece[] | undefined
  readonly #targets = new Map<string, Target | Fault>()

  /** @param subscription that has passed {@link faultOfMapping} */
  constructor({ pattern, topic, event }: Subscription) {
    this.#pattern = pattern === undefined ? undefined : new Pattern(pattern)
    this.#topic = piecesOf(topic)
    this.#event = event === undefined ? undefined : piecesOf(event)
  }

  /** The target of a channel's messages; a Fault where its name makes none. */
  targetOf(channel: Buffer): Target | Fault {
    if (channel.length > CHANNEL_BYTES_MAX) {
      const found = `${channel.length} bytes long, limit ${CHANNEL_BYTES_MAX}`
      return new Fault('invalid_topic', `the channel's name is ${found}`)
    }
    const key = channel.toString('latin1')
    const known = this.#targets.get(key)
    if (known !== undefined) return known
    const target = this.#make(channel)
    if (this.#targets.size === TARGETS_MAX) this.#targets.clear()
    this.#targets.set(key, target)
    return target
  }

  #make(channel: Buffer): Target | Fault {
    if (!isUtf8(channel)) return new Fault('invalid_utf8', "the channel's name is not valid UTF-8")
    const captures = this.#pattern === undefined ? [] : this.#pattern.match(channel)
    // Redis found that it matches. Without captures its events would go to another topic.
    if (captures === undefined) {
      return new Fault('invalid_topic', "the channel's name does not match the pattern")
    }
    const values = [channel, ...captures]
    // Of those in use: ? and [...] may stand for a part of a character.
    const used = [...this.#topic, ...(this.#event ?? [])]
    if (used.some((piece) => typeof piece === 'number' && !isUtf8(values[piece] as Uint8Array))) {
      return new Fault('invalid_utf8', 'a wildcard stands for a part of a character')
    }
    const texts = values.map((value) => Buffer.from(value).toString())
    const topic = normaliseTopic(expand(this.#topic, texts))
    if (topic instanceof Fault) return topic
    const event = this.#event && expand(this.#event, texts)
    return checkFields(event, undefined, undefined) ?? { topic, event }
  }
}

/** What is wrong with a subscription, in words; undefined where nothing is. */
export function faultOfMapping(subscription: Subscription): string | undefined {
  const { channel, pattern, topic, event } = subscription
  if ((channel === undefined) === (pattern === undefined)) {
    return 'it needs either channel or pattern'
  }
  if (channel !== undefined && Buffer.byteLength(channel) > CHANNEL_BYTES_MAX) {
    return `channel: longer than ${CHANNEL_BYTES_MAX} bytes`
  }
  const wildcards = pattern === undefined ? 0 : new Pattern(pattern).wildcards
  const bad = faultOfTemplate('topic', topic, wildcards)
  if (bad !== undefined || event === undefined) return bad
  return faultOfTemplate('event', event, wildcards)
}

function faultOfTemplate(name: string, text: string, wildcards: number): string | undefined {
  for (const [place] of text.matchAll(/\{[^}]*\}?|\}/g)) {
    if (place === '{channel}') continue
    const number = /^\{([1-9]\d?)\}$/.exec(place)?.[1]
    if (number === undefined) return `${name}: ${place} is neither {channel} nor {1}, {2}…`
    if (Number(number) > wildcards)
      return `${name}: ${place}, but the pattern has ${wildcards} wildcards`
  }
  // With a capture of one letter: what is wrong then is wrong in the template's own text.
  const sample = expand(piecesOf(text), Array(wildcards + 1).fill('x'))
  const fault =
    name === 'topic' ? normaliseTopic(sample) : checkFields(sample, undefined, undefined)
  return fault instanceof Fault ? `${name}: ${fault.detail}` : undefined
}

function piecesOf(template: string): Piece[] {
  return template
    .split(/(\{[^}]*\})/)
    .filter((piece) => piece !== '')
    .map((piece) => {
      if (piece === '{channel}') return 0
      return piece.startsWith('{') ? Number(piece.slice(1, -1)) : piece
    })
}

function expand(pieces: readonly Piece[], values: readonly string[]): string {
  return pieces.map((piece) => (typeof piece === 'number' ? values[piece] : piece)).join('')
}
