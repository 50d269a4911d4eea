// Makes up tweets, in the form that the Emojitracker Streaming API specification gives them
// (github.com/emojitracker/emojitrack-streamer-spec) and in sizes and scripts as they are tweeted.
import { glyph } from './emoji.ts'
import { sequences, syllables, type Voice, voices } from './phrase.ts'
import { between, pick, type Random } from './random.ts'

export interface Tweet {
  /** A snowflake: too large for a JSON number, so digits in a string. */
  readonly id: string
  readonly text: string
  readonly screen_name: string
  readonly name: string
  readonly links: readonly string[]
  readonly profile_image_url: string
  /** ISO 8601, to the second, in UTC. */
  readonly created_at: string
}

/** In UTF-16 units, as String.length has it. */
export const TEXT_LENGTH_MIN = 20
export const TEXT_LENGTH_MAX = 280
/** Twitter counts most scripts beyond Latin double; a bound in bytes has the same effect. */
const TEXT_BYTES_MAX = 400

/** The origin of snowflake times: 2010-11-04T01:42:54.657Z. */
const SNOWFLAKE_EPOCH_MS = 1_288_834_974_657
/** The bits of a snowflake below its time. */
const SEQUENCE_MASK = 2 ** 22 - 1

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** Each voice as many times as its weight, to pick from. */
const speakers = voices.flatMap((voice) => Array<Voice>(voice.weight).fill(voice))

export class TweetMaker {
  readonly #random: Random
  #sequence = 0

  constructor(random: Random) {
    this.#random = random
  }

  /** @param emoji the id of the emoji that its text contains */
  next(emoji: string, nowMs: number): Tweet {
    const random = this.#random
    const voice = pick(random, speakers)
    const links = random() < 0.3 ? [`https://t.co/${this.#letters(10)}`] : []
    const picture = `${between(random, 100_000_000, 999_999_999)}/${this.#letters(8)}_normal.jpg`
    return {
      id: this.#snowflake(nowMs),
      text: this.#text(voice, glyph(emoji), links),
      screen_name: this.#screenName(),
      name:
        random() < 0.2 ? `${pick(random, voice.names)} ${glyph(emoji)}` : pick(random, voice.names),
      links,
      profile_image_url: `https://pbs.twimg.com/profile_images/${picture}`,
      created_at: `${new Date(nowMs).toISOString().slice(0, 19)}+00:00`,
    }
  }

  #text(voice: Voice, emoji: string, links: readonly string[]): string {
    const random = this.#random
    let ending = random() < 0.1 ? pick(random, sequences) : ''
    if (random() < 0.3) ending += ` ${pick(random, voice.tags)}`
    for (const link of links) ending += ` ${link}`
    let text = random() < 0.2 ? `@${this.#screenName()} ` : ''
    const { phrases } = voice
    const first = between(random, 0, phrases.length - 1)
    text += `${phrases[first]} ${emoji.repeat(random() < 0.2 ? 3 : 1)}`
    // Most tweets are short, some fill what they may.
    const range = TEXT_LENGTH_MAX - TEXT_LENGTH_MIN
    const length = TEXT_LENGTH_MIN + range * random() ** 3 - ending.length
    for (let next = 1; next < phrases.length && text.length < length; next++) {
      const phrase = phrases[(first + next) % phrases.length]
      const more = `${text}${this.#separator()}${phrase}`
      const whole = more.length + ending.length
      if (whole > TEXT_LENGTH_MAX || Buffer.byteLength(more + ending) > TEXT_BYTES_MAX) break
      text = more
    }
    while (text.length + ending.length < TEXT_LENGTH_MIN) text += emoji
    return text + ending
  }

  #separator(): string {
    const kind = this.#random()
    if (kind < 0.7) return ' '
    if (kind < 0.9) return '\n'
    if (kind < 0.97) return '\n\n'
    // LINE SEPARATOR: an end of line to some, but none to JSON or to SSE.
    return '\u2028'
  }

  #screenName(): string {
    const random = this.#random
    const syllable = (): string => pick(random, syllables)
    return syllable() + syllable() + syllable() + between(random, 10, 9999)
  }

  #letters(count: number): string {
    let letters = ''
    for (let index = 0; index < count; index++) {
      letters += ALPHABET[Math.floor(this.#random() * ALPHABET.length)]
    }
    return letters
  }

  /** Ascending with time, and no two alike. */
  #snowflake(nowMs: number): string {
    this.#sequence = (this.#sequence + 1) & SEQUENCE_MASK
    return String((BigInt(nowMs - SNOWFLAKE_EPOCH_MS) << 22n) | BigInt(this.#sequence))
  }
}
