// The feeder of the emojitracker sandbox: publishes made-up updates to Redis, as emojitracker's own
// feeder did with those of Twitter. node --import tsx scripts/feeder.ts --help
import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createClient, ErrorReply } from '@redis/client'
import { EmojiDraw } from './feeder/emoji.ts'
import { seeded } from './feeder/random.ts'
import { Schedule } from './feeder/schedule.ts'
import { TweetMaker } from './feeder/tweet.ts'

const HELP = `Usage: node --import tsx scripts/feeder.ts [options]

Publishes updates to Redis. Each is a score message, the id of an emoji, on stream.score_updates,
and a tweet, as JSON, on stream.tweet_updates.ID.

  --redis URL    Redis to publish to; default: REDIS_URL, else redis://localhost:6379
  --rate N       updates a second, from 1 to 1000000; default 250
  --seconds N    end after so many seconds; default: run until stopped
  --seed N       make the same updates as every run with this seed
  --verbose      say every 5 s how far it is, also where standard error is no terminal
  --help         this text
`

/** One wake-up for all updates of so many ms: less than the 17 ms that a server packs into one. */
const TICK_MS = 10
/** A tick that has more to catch up with leaves the rest to the next. */
const BATCH_UPDATES_MAX = 2_000
/** Updates that Redis has not answered, besides one second of the rate: about 10 MiB. */
const INFLIGHT_UPDATES_MAX = 20_000
const RATE_MAX = 1_000_000
const PROGRESS_MS = 5_000
/** No answer for so long, and the connection counts as lost. */
const SILENCE_MS = 5_000
const RECONNECT_MS_MAX = 2_000
/** What a stop waits for answers. */
const GRACE_MS = 1_000

class FeederError extends Error {
  readonly exitCode: number

  constructor(message: string, exitCode: number) {
    super(message)
    this.exitCode = exitCode
  }
}

interface Options {
  readonly url: URL
  readonly rate: number
  readonly seconds: number
  readonly seed: number
  readonly isVerbose: boolean
}

/** Undefined where help is asked for. */
function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      redis: { type: 'string', default: process.env['REDIS_URL'] || 'redis://localhost:6379' },
      rate: { type: 'string', default: '250' },
      seconds: { type: 'string' },
      seed: { type: 'string' },
      verbose: { type: 'boolean', default: process.stderr.isTTY === true },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  const { redis, rate, seconds, seed } = values
  return {
    url: readUrl(redis),
    rate: readWhole('--rate', rate, 1, RATE_MAX),
    seconds: seconds === undefined ? Number.POSITIVE_INFINITY : readWhole('--seconds', seconds, 1),
    seed: seed === undefined ? randomInt(2 ** 47) : readWhole('--seed', seed, 0),
    isVerbose: values.verbose,
  }
}

function readWhole(
  name: string,
  text: string,
  low: number,
  high = Number.MAX_SAFE_INTEGER,
): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (value >= low && value <= high) return value
  throw new FeederError(`${name} must be a whole number from ${low} to ${high}`, 2)
}

/** Its error does not show what was given: there may be a password in it. */
function readUrl(text: string): URL {
  try {
    // The client's own reading: it wants a database that is a number, and valid percent-encoding.
    createClient({ url: text })
    return new URL(text)
  } catch {
    throw new FeederError(
      '--redis (REDIS_URL) must be a URL such as redis://user:password@host:6379',
      2,
    )
  }
}

/** The URL as it may be shown. */
function shown(url: URL): string {
  const copy = new URL(url)
  if (copy.password !== '') copy.password = '***'
  return copy.href
}

function say(line: string): void {
  process.stderr.write(`feeder: ${line}\n`)
}

/** Of a name with several addresses, the error has no message of its own. */
function reasonOf(error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException
  return message || code || String(error)
}

function clientOf(url: URL) {
  let wasReady = false
  let isLost = false
  const client = createClient({
    url: url.href,
    disableOfflineQueue: true,
    socket: {
      connectTimeout: SILENCE_MS,
      socketTimeout: SILENCE_MS,
      // Absent at the start is an error of the caller's; absent later passes.
      reconnectStrategy: (tries) =>
        wasReady && Math.min(50 * 2 ** Math.min(tries, 10), RECONNECT_MS_MAX),
    },
  })
  client.on('ready', () => {
    if (isLost) say(`Redis is back at ${shown(url)}`)
    wasReady = true
    isLost = false
  })
  client.on('error', (error) => {
    if (!wasReady || isLost) return
    isLost = true
    say(`lost Redis at ${shown(url)}, trying to come back: ${reasonOf(error)}`)
  })
  return client
}

class Feeder {
  readonly #client: ReturnType<typeof clientOf>
  readonly #draw: EmojiDraw
  readonly #tweets: TweetMaker
  readonly #inflightMax: number
  #inflight = 0
  /** Updates that Redis has taken. */
  published = 0
  /** Updates that were due while Redis was away, or were on their way to it. */
  lost = 0
  /** Why Redis does not let us publish. */
  refusal: string | undefined

  constructor(client: ReturnType<typeof clientOf>, { seed, rate }: Options) {
    const random = seeded(seed)
    this.#client = client
    this.#draw = new EmojiDraw(random)
    this.#tweets = new TweetMaker(random)
    // Within one second's worth, so that a Redis that hangs gets no more, and its silence shows.
    this.#inflightMax = Math.min(rate, INFLIGHT_UPDATES_MAX)
  }

  /** How many updates it can take now. */
  get room(): number {
    return Math.min(this.#inflightMax - this.#inflight, BATCH_UPDATES_MAX)
  }

  get isIdle(): boolean {
    return this.#inflight === 0
  }

  publish(count: number): void {
    if (count === 0) return
    if (!this.#client.isReady) {
      this.lost += count
      return
    }
    // Measured at 20,000 updates a second: 32 % of a core, 72 % with a command for each message.
    const pipeline = this.#client.multi()
    const nowMs = Date.now()
    for (let update = 0; update < count; update++) {
      const id = this.#draw.next()
      const tweet = JSON.stringify(this.#tweets.next(id, nowMs))
      pipeline.publish('stream.score_updates', id)
      pipeline.publish(`stream.tweet_updates.${id}`, tweet)
    }
    this.#inflight += count
    pipeline.execAsPipeline().then(
      () => {
        this.#inflight -= count
        this.published += count
      },
      (error) => {
        this.#inflight -= count
        this.lost += count
        if (error instanceof ErrorReply) this.refusal = error.message
      },
    )
  }
}

async function run(options: Options): Promise<void> {
  const { url, rate, seconds, isVerbose } = options
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  const client = clientOf(url)
  stop.signal.addEventListener('abort', () => {
    if (!client.isReady) client.destroy()
  })
  await client.connect().catch((error) => {
    throw new FeederError(`cannot use Redis at ${shown(url)}: ${reasonOf(error)}`, 1)
  })
  process.stdout.write(`feeder: ${rate} updates a second to ${shown(url)}\n`)
  const feeder = new Feeder(client, options)
  const schedule = new Schedule(rate, performance.now(), seconds)
  const progress = (): void => {
    const { published, lost } = feeder
    say(`${published} updates published, ${lost} lost, ${schedule.missed} given up`)
  }
  const timer = isVerbose ? setInterval(progress, PROGRESS_MS) : undefined
  while (!stop.signal.aborted && !schedule.isOver && feeder.refusal === undefined) {
    feeder.publish(schedule.take(performance.now(), feeder.room))
    const waitMs = Math.max(TICK_MS, schedule.waitMs(performance.now()))
    await sleep(waitMs, undefined, { signal: stop.signal }).catch(() => {})
  }
  const deadline = performance.now() + GRACE_MS
  while (!feeder.isIdle && performance.now() < deadline) await sleep(TICK_MS)
  clearInterval(timer)
  if (isVerbose) progress()
  client.destroy()
  if (feeder.refusal !== undefined) {
    throw new FeederError(`Redis at ${shown(url)} refuses updates: ${feeder.refusal}`, 1)
  }
}

try {
  const options = readOptions(process.argv.slice(2))
  if (options === undefined) process.stdout.write(HELP)
  else await run(options)
} catch (error) {
  const { code } = error as NodeJS.ErrnoException
  const isUsage = code?.startsWith('ERR_PARSE_ARGS_') === true
  if (!isUsage && !(error instanceof FeederError)) throw error
  // parseArgs adds advice after the first sentence.
  say(isUsage ? `${(error as Error).message.replace(/\.\s.*/s, '')}; see --help` : reasonOf(error))
  process.exitCode = error instanceof FeederError ? error.exitCode : 2
}
