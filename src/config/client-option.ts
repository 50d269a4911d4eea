// The tables of options of `carillon publish` and `carillon tail`. Pure data. Only what is the same
// for every call, where the server is and who we are, can also stand in the environment.
import { redactUrl } from './redis-url.ts'
import { MIB, type OptionSpec, type ValueOf } from './spec.ts'
import { isToken, TOKEN_FORM } from './token.ts'

/** The most that a server takes as `retry` of an event, in ms. */
const RETRY_MS_MAX = 2_147_483_647

/** True for an address that paths can be put behind: no query, no fragment, no credentials. */
function isServerUrl(text: string): boolean {
  if (!isStreamUrl(text)) return false
  const { search, hash } = new URL(text)
  return search === '' && hash === ''
}

/** True for an http or https URL without credentials, which would be seen in the list of processes. */
export function isStreamUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, username, password } = new URL(text)
  return /^https?:$/.test(protocol) && username === '' && password === ''
}

const url = {
  kind: 'text',
  default: 'http://127.0.0.1:8080',
  defaultDoc: 'http://127.0.0.1:PORT; without that variable 8080',
  env: 'CARILLON_URL',
  check: isServerUrl,
  textDoc: 'an http or https URL without query and credentials',
  redact: redactUrl,
  doc: 'The server.',
} as const

const token = {
  kind: 'text',
  default: '',
  defaultDoc: 'none',
  // The server's own variable may have several; the first is as good as any.
  check: (text: string) => text.split(',').every((item) => isToken(item.trim())),
  textDoc: TOKEN_FORM,
  redact: () => '***',
} as const

const tokenFile = { kind: 'text', default: '', defaultDoc: 'none' } as const

const timeoutSeconds = {
  kind: 'integer',
  min: 1,
  max: 3600,
  default: 30,
} as const

const waitSecondsMax = { kind: 'integer', min: 1, max: 3600, default: 60 } as const

export const publishOptions = {
  url,
  event: { kind: 'text', default: '', defaultDoc: 'none', doc: 'The name of the event.' },
  id: { kind: 'text', default: '', defaultDoc: 'none', doc: 'The id of the event.' },
  retry: {
    kind: 'text',
    default: '',
    defaultDoc: 'none',
    check: (text: string) => /^\d{1,10}$/.test(text) && Number(text) <= RETRY_MS_MAX,
    textDoc: `a whole number from 0 to ${RETRY_MS_MAX}`,
    doc: 'The retry of the event: when its subscribers come back after a loss, in ms.',
  },
  ndjson: {
    kind: 'switch',
    default: false,
    doc: 'The data is a batch: each line is the JSON object of an event; all are taken, or none.',
  },
  token: {
    ...token,
    env: 'CARILLON_PUBLISH_TOKEN',
    doc: 'A publish token. Rather give it by the variable or a file: others may see a flag.',
  },
  tokenFile: {
    ...tokenFile,
    env: 'CARILLON_PUBLISH_TOKEN_FILE',
    doc: 'A file of publish tokens, one a line; the first is used.',
  },
  retriesMax: {
    kind: 'integer',
    min: 0,
    max: 1000,
    default: 5,
    doc: 'How often it tries again when the server is busy (429, 503), each time after Retry-After.',
  },
  waitSecondsMax: {
    ...waitSecondsMax,
    doc: 'The longest Retry-After that it waits for; at a longer one it fails at once.',
  },
  timeoutSeconds: { ...timeoutSeconds, doc: 'No answer within this time is a failure.' },
} as const satisfies Record<string, OptionSpec>

export const tailOptions = {
  url,
  json: {
    kind: 'switch',
    default: false,
    doc: 'Each event is a line with one JSON object.',
  },
  count: {
    kind: 'integer',
    min: 0,
    max: 1_000_000_000,
    default: 0,
    defaultDoc: '0: no end',
    doc: 'It ends, with 0, after this many events.',
  },
  sentAt: {
    kind: 'text',
    default: '',
    defaultDoc: 'none',
    check: (text: string) => /^(\/([^~]|~[01])*)$/.test(text),
    textDoc: 'a JSON pointer such as /timestamp',
    doc: "Where in an event's data its publisher says when it was sent: its lag is shown.",
  },
  quiet: {
    kind: 'switch',
    default: false,
    doc: 'No notes on standard error; errors are still told.',
  },
  token: {
    ...token,
    env: 'CARILLON_SUBSCRIBE_TOKEN',
    doc: 'A subscribe token. Rather give it by the variable or a file: others may see a flag.',
  },
  tokenFile: {
    ...tokenFile,
    env: 'CARILLON_SUBSCRIBE_TOKEN_FILE',
    doc: 'A file of subscribe tokens, one a line; the first is used.',
  },
  reconnectsMax: {
    kind: 'integer',
    min: 0,
    max: 1_000_000,
    default: 1000,
    doc: 'It gives up after so many failed attempts to come back in a row; 0 is at the first loss.',
  },
  waitSecondsMax: {
    ...waitSecondsMax,
    doc: 'The longest time between two attempts; what the server asks for above it is cut to it.',
  },
  stallSeconds: {
    kind: 'integer',
    min: 0,
    max: 86_400,
    default: 45,
    doc: 'A stream that brings nothing for so long, no heartbeat either, counts as lost; 0 is never.',
  },
  eventCharsMax: {
    kind: 'integer',
    min: 1024,
    max: 256 * MIB,
    default: 16 * MIB,
    doc: 'The longest event in characters; a longer one ends it with a failure.',
  },
  timeoutSeconds: {
    ...timeoutSeconds,
    doc: 'No answer to a request for the stream within this time is a failed attempt.',
  },
} as const satisfies Record<string, OptionSpec>

type Options<Table extends Record<string, OptionSpec>> = {
  readonly [Name in keyof Table]: ValueOf<Table[Name]>
}

export type PublishOptions = Options<typeof publishOptions>
export type TailOptions = Options<typeof tailOptions>
