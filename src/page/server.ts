// Requests to the server that the page came from: with a token where one was given, and what it says
// when it refuses. Also its streams: read with fetch, as an EventSource can send no token.
import { createParser, type EventSourceMessage } from 'eventsource-parser'

/** The server refused; the message is its problem's detail. */
export class Refusal extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }

  /** It wants a token: it had none, or one that it does not know. */
  get asksForToken(): boolean {
    return this.status === 401
  }

  /** Another token could help. */
  get needsToken(): boolean {
    return this.status === 401 || this.status === 403
  }
}

export interface Request {
  readonly method?: 'GET' | 'POST'
  readonly body?: string
  /** '' for none. */
  readonly token?: string
  readonly signal?: AbortSignal
}

/** What a header can carry of a token: fetch throws at anything else, as if no server were there. */
const TOKEN = /^[\x21-\x7e]*$/

/** @throws Refusal; TypeError where there is no answer */
export async function ask(
  path: string,
  { token = '', ...request }: Request = {},
): Promise<Response> {
  if (!TOKEN.test(token)) throw new Refusal(401, 'a token is of ASCII letters, digits and signs')
  const headers: Record<string, string> = token === '' ? {} : { Authorization: `Bearer ${token}` }
  const response = await fetch(path, { ...request, headers, cache: 'no-store' })
  if (response.ok) return response
  throw new Refusal(response.status, await detailOf(response))
}

async function detailOf(response: Response): Promise<string> {
  const text = await response.text()
  try {
    const { detail, title } = JSON.parse(text) as { detail?: string; title?: string }
    return detail ?? title ?? text
  } catch {
    return text || `the server answered ${response.status}`
  }
}

/**
 * Reads a stream to its end.
 * @param opened called when it is there
 * @throws as `ask`; TypeError also where it breaks off
 */
export async function readStream(
  path: string,
  request: Request,
  take: (event: EventSourceMessage) => void,
  opened: () => void,
): Promise<void> {
  const { body } = await ask(path, request)
  if (body === null) return
  opened()
  const parser = createParser({ onEvent: take })
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    parser.feed(value)
  }
}

/**
 * The path of a topic below another: each segment is encoded by itself.
 * @throws Refusal for a topic that would become another one: browsers resolve dot segments themselves
 */
export function topicPath(above: string, topic: string): string {
  const segments = topic.split('/').filter((segment) => segment !== '')
  if (segments.some((segment) => segment === '.' || segment === '..')) {
    throw new Refusal(400, 'the topic has a segment that is . or ..')
  }
  return [above, ...segments.map(encodeURIComponent)].join('/')
}
