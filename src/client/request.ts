// One HTTP request of the client, and what its answer says when it is not what was hoped for. By
// Node's own client: fetch gives up a stream that is idle for 5 minutes. Main thread.
import { type IncomingMessage, type RequestOptions, request as requestPlain } from 'node:http'
import { request as requestSecure } from 'node:https'
import { Failure, reasonOf } from './failure.ts'

/** What is read of an answer that is no stream, in bytes. */
const ANSWER_BYTES_MAX = 64 * 1024
/** What is shown of an answer that is no problem document, in characters. */
const SHOWN_CHARS_MAX = 200

export interface Question {
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  readonly token: string | undefined
  readonly userAgent: string
  readonly timeoutSeconds: number
}

/** An answer that is not what was asked for. */
export interface Refusal {
  readonly status: number
  /** For people: `503 overloaded: subscribers wait for earlier events; try again`. */
  readonly reason: string
  /** What Retry-After says; undefined where there is none that can be read. */
  readonly retryAfterSeconds: number | undefined
}

/**
 * Sends the request and resolves with the head of the answer.
 * @throws Failure where there is none within the time
 */
export function ask(url: URL, question: Question): Promise<IncomingMessage> {
  const { method, headers, body, token, userAgent, timeoutSeconds } = question
  const options: RequestOptions = {
    method,
    // A connection of its own, which ends with the answer.
    agent: false,
    headers: {
      'User-Agent': userAgent,
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'Content-Length': String(body.length) }),
      ...headers,
    },
  }
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? requestSecure : requestPlain
    const request = send(url, options, (response) => {
      clearTimeout(timer)
      // Whoever reads it hears of its loss there.
      request.on('error', () => {})
      resolve(response)
    })
    const timer = setTimeout(() => {
      request.destroy(new Error(`no answer within ${timeoutSeconds} s`))
    }, timeoutSeconds * 1000)
    request.once('error', (error) => {
      clearTimeout(timer)
      reject(new Failure(`${url.origin}: ${reasonOf(error)}${hintOf(error, question)}`))
    })
    request.end(body)
  })
}

/** What an operator may not think of. */
function hintOf(error: unknown, { body }: Question): string {
  const { code = '' } = error as NodeJS.ErrnoException
  if (code === 'ECONNREFUSED') return '; no server listens there'
  if (/CERT|SELF_SIGNED|UNABLE_TO_/.test(code)) {
    return '; NODE_EXTRA_CA_CERTS names a file of authorities to trust'
  }
  const wasCut = code === 'ECONNRESET' || code === 'EPIPE'
  if (wasCut && body !== undefined) return '; what was sent may or may not have been published'
  return ''
}

/** Reads such an answer to its end, as far as it is of use. */
export async function readRefusal(
  response: IncomingMessage,
  timeoutSeconds: number,
): Promise<Refusal> {
  const status = response.statusCode ?? 0
  const text = await readText(response, timeoutSeconds)
  const retryAfterSeconds = secondsOf(response.headers['retry-after'])
  const hint = status === 401 ? '; --token-file gives one, and so does a variable: see --help' : ''
  const reason = `${status} ${detailOf(response, text)}${hint}`
  return { status, reason, retryAfterSeconds }
}

/**
 * The text of an answer, as far as it is of use.
 * @throws Failure where the answer is cut, or takes too long
 */
export async function readText(response: IncomingMessage, timeoutSeconds: number): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  const timer = setTimeout(() => {
    response.destroy(new Error(`it was not whole within ${timeoutSeconds} s`))
  }, timeoutSeconds * 1000)
  try {
    for await (const part of response) {
      parts.push(part)
      bytes += part.length
      if (bytes > ANSWER_BYTES_MAX) break
    }
  } catch (error) {
    throw new Failure(`the answer was cut: ${reasonOf(error)}`, { cause: error })
  } finally {
    clearTimeout(timer)
  }
  return Buffer.concat(parts).toString()
}

/** RFC 9110, 10.2.3: seconds or a date. */
function secondsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^\d+$/.test(text)) return Number(text)
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - Date.now()) / 1000))
}

function detailOf({ headers, statusMessage }: IncomingMessage, text: string): string {
  const type = headers['content-type'] ?? ''
  const { location } = headers
  if (location !== undefined) return `it is at ${location}, and redirects are not followed`
  if (type.startsWith('application/problem+json')) {
    try {
      const { code, title, detail } = JSON.parse(text) as Record<string, unknown>
      return `${code ?? title}: ${detail ?? title}`
    } catch {
      // A proxy's own, or cut: shown as it is.
    }
  }
  const isText = /^text\/plain|json/.test(type) && text.trim() !== ''
  return isText ? text.trim().slice(0, SHOWN_CHARS_MAX) : (statusMessage ?? '')
}
