// `carillon publish`: one event, or a batch, to a server's /publish. Main thread of its own process.
import { setTimeout as sleep } from 'node:timers/promises'
import type { PublishOrder } from '../config/client-parse.ts'
import { topicUrl } from './address.ts'
import { Failure, reasonOf } from './failure.ts'
import { ask, type Refusal, readRefusal, readText } from './request.ts'

/** The most that a server can be told to take as a body, in bytes: the bound of bodyBytesMax. */
const DATA_BYTES_MAX = 16 * 1024 * 1024
/** Where a busy server does not say when to try again, in seconds. */
const RETRY_AFTER_SECONDS = 1

/** The statuses that pass: too many requests, and busy or stopping. Nothing was published then. */
const BUSY: ReadonlySet<number> = new Set([429, 503])

/** Where it reads from and writes to. */
export interface Terminal {
  readonly input: NodeJS.ReadStream
  /** Writes a line to standard output. */
  readonly say: (line: string) => void
  /** Writes a line to standard error. */
  readonly note: (line: string) => void
}

/**
 * Publishes and says how many events were accepted.
 * @throws Failure where nothing was, or that is not known
 */
export async function publish(
  order: PublishOrder,
  userAgent: string,
  { input, say, note }: Terminal,
): Promise<void> {
  const { topic, options, token } = order
  const { retriesMax, waitSecondsMax, timeoutSeconds, ndjson } = options
  const url = topicUrl(options.url, 'publish', topic)
  for (const name of ['event', 'id', 'retry'] as const) {
    if (options[name] !== '') url.searchParams.set(name, options[name])
  }
  if (order.data === undefined && input.isTTY) note('reading the data; Ctrl-D on a line ends it')
  const body = order.data === undefined ? await readInput(input, ndjson) : Buffer.from(order.data)
  const type = ndjson ? 'application/x-ndjson' : 'text/plain; charset=utf-8'
  const headers = { 'Content-Type': type, Accept: 'application/json' }
  for (let tries = 0; ; tries++) {
    const question = { method: 'POST', headers, body, token, userAgent, timeoutSeconds } as const
    const response = await ask(url, question)
    if (response.statusCode === 200) {
      say(`accepted ${acceptedOf(await readText(response, timeoutSeconds))}`)
      return
    }
    const refusal = await readRefusal(response, timeoutSeconds)
    const waitSeconds = pauseOf(refusal, waitSecondsMax)
    if (tries === retriesMax) {
      const often = tries === 0 ? '' : `, also after ${tries} retries`
      throw new Failure(`${refusal.reason}${often}`)
    }
    note(`${refusal.reason}; trying again in ${waitSeconds} s`)
    await sleep(waitSeconds * 1000)
  }
}

/** How long to wait before the next try. @throws Failure where trying again is of no use */
function pauseOf({ status, reason, retryAfterSeconds }: Refusal, waitSecondsMax: number): number {
  if (!BUSY.has(status)) throw new Failure(reason)
  const seconds = retryAfterSeconds ?? RETRY_AFTER_SECONDS
  if (seconds <= waitSecondsMax) return seconds
  throw new Failure(`${reason}; it may be tried in ${seconds} s, over --wait-seconds-max`)
}

/** The bytes as they are: the server judges them. Only the line end that a shell adds is taken off. */
async function readInput(input: NodeJS.ReadStream, isBatch: boolean): Promise<Buffer> {
  const parts: Buffer[] = []
  let bytes = 0
  try {
    for await (const part of input as AsyncIterable<Buffer>) {
      parts.push(part)
      bytes += part.length
      if (bytes > DATA_BYTES_MAX) break
    }
  } catch (error) {
    throw new Failure(`standard input: ${reasonOf(error)}`, { cause: error })
  }
  if (bytes > DATA_BYTES_MAX) {
    throw new Failure(`the data is over ${DATA_BYTES_MAX} bytes, more than any server takes`)
  }
  const data = Buffer.concat(parts)
  const end = /\r?\n$/.exec(data.subarray(-2).toString('latin1'))?.[0] ?? ''
  return isBatch ? data : data.subarray(0, data.length - end.length)
}

/** @throws Failure for the 200 of something that is no Carillon: nothing is known then */
function acceptedOf(text: string): number {
  try {
    const { accepted } = JSON.parse(text) as { accepted?: unknown }
    if (typeof accepted === 'number') return accepted
  } catch {
    // The same as without the number.
  }
  throw new Failure('it answered 200, but not as Carillon does: is --url right?')
}
