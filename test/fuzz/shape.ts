// Requests that no good client sends, each by its number and a seed, so that one can be sent again alone.
// Pure.
import { between, pick, type Random, seeded } from '../../scripts/feeder/random.ts'

/** What no subscriber must ever see: the data of a request that hides in another's body. */
export const MARKER = 'SMUGGLED'

export interface Shape {
  readonly kind: 'random' | 'mutated' | 'smuggling' | 'cut' | 'body'
  readonly bytes: Buffer
  /** What the client does behind them. */
  readonly end: 'finish' | 'reset' | 'wait'
  /** One byte at a time. */
  readonly isDripped: boolean
}

/** The whole request that hides, told apart by its case's number. */
function hiddenRequest(number: number): string {
  const body = MARKER + number
  return `POST /publish/hidden HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`
}

const BODY = '{"a":[1,2,{"b":"\\u00e9"}],"c":"d"}'
const GOOD: readonly string[] = [
  'GET /health HTTP/1.1\r\nHost: a\r\n\r\n',
  `POST /api/events HTTP/1.1\r\nHost: a\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
  `POST /publish/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n`,
  `GET /ready HTTP/1.1\r\nHost: a\r\n\r\nPOST /publish/a/b?event=x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi`,
  'HEAD /subscribe/pets HTTP/1.1\r\nHost: a\r\nUser-Agent: x\r\n\r\n',
]

/** How many cut requests there are: each byte of each good one. */
export const CUTS = GOOD.reduce((sum, request) => sum + request.length, 0)

/** The request of a number: the same for the same seed. */
export function shapeOf(seed: number, number: number): Shape {
  const random = seeded(seed * 2 ** 32 + number)
  const isDripped = random() < 0.05
  const end = pick(random, ['finish', 'finish', 'reset', 'wait'] as const)
  const kinds = [randomBytes, mutated, smuggling, mutatedBody] as const
  // Every cut comes, whatever the seed.
  if (number < CUTS) return { kind: 'cut', bytes: cutAt(number), end, isDripped }
  const [kind, bytes] = pick(random, kinds)(random, number)
  return { kind, bytes, end, isDripped }
}

function cutAt(number: number): Buffer {
  let left = number
  for (const request of GOOD) {
    if (left < request.length) return Buffer.from(request.slice(0, left))
    left -= request.length
  }
  return Buffer.alloc(0)
}

type Made = readonly [kind: Shape['kind'], bytes: Buffer]

function randomBytes(random: Random): Made {
  const bytes = Buffer.alloc(1 + between(random, 0, 600))
  for (let at = 0; at < bytes.length; at++) bytes[at] = between(random, 0, 255)
  return ['random', bytes]
}

const METHODS = [
  'GET',
  'POST',
  'PUT',
  'OPTIONS',
  'CONNECT',
  'get',
  'G@T',
  '',
  'A'.repeat(300),
  'PRI',
]
const TARGETS = [
  '/events',
  '/api/events',
  '/publish/%',
  '/publish/%2e%2e/a',
  '/publish/%00',
  '/publish/%ff',
  '/subscribe//a///b/',
  '*',
  'http://other/events',
  '//evil/',
  '/a#b',
  '',
  '/\u00e9',
  '/publish/a?event=%0d%0aX:%20y',
  `/publish/${'a/'.repeat(40)}`,
  `/${'a'.repeat(9000)}`,
  '/admin/status.json',
  '/publish/a?retry=99999999999&id=%00',
]
const VERSIONS = ['HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'HTTP/1.1 ', 'http/1.1', 'HTTP/9', '']
const NAMES = [
  'Host',
  'Content-Length',
  'Transfer-Encoding',
  'Expect',
  'X',
  'Authorization',
  'Origin',
]
const VALUES = [
  'a',
  '',
  '-1',
  '99999999999999999999',
  '5',
  'chunked',
  '100-continue',
  '\u0001',
  'b'.repeat(5000),
  'c'.repeat(20_000),
  'Bearer x',
  '\t',
  'null',
]
const ENDS = ['\r\n', '\r\n', '\r\n', '\n', '\r', '\r\n ', '\0']

function mutated(random: Random): Made {
  let text = `${pick(random, METHODS)} ${pick(random, TARGETS)} ${pick(random, VERSIONS)}\r\n`
  const headers = pick(random, [0, 1, 2, 3, 5, 110])
  for (let count = 0; count < headers; count++) {
    const colon = pick(random, [':', ': ', ' : ', ''])
    text += pick(random, NAMES) + colon + pick(random, VALUES) + pick(random, ENDS)
  }
  text += `\r\n${pick(random, ['', 'x', '5\r\nabc', '0\r\n\r\n', 'ffffffffffffffff\r\n', BODY])}`
  const bytes = Buffer.from(text, 'latin1')
  // A byte or two besides.
  for (let count = between(random, 0, 2); count > 0; count--) {
    bytes[between(random, 0, bytes.length - 1)] = between(random, 0, 255)
  }
  return ['mutated', bytes]
}

/**
 * Heads of which parsers disagree where the body ends, before a body that holds a whole request. By
 * one reading or another it would be a request of its own.
 */
function smuggling(random: Random, number: number): Made {
  const hidden = `0\r\n\r\n${hiddenRequest(number)}`
  const all = hidden.length
  const hex = all.toString(16)
  const encoding = pick(random, [
    'Transfer-Encoding: chunked',
    'Transfer-Encoding: xchunked',
    'Transfer-Encoding: chunked, identity',
    'Transfer-Encoding: identity, chunked',
    'Transfer-Encoding : chunked',
    'Transfer-Encoding:\tchunked',
    'Transfer-Encoding:\u000bchunked',
    'Transfer-Encoding: CHUNKED',
    'Transfer-Encoding: "chunked"',
    'Transfer-Encoding\r\n : chunked',
    'transfer-encoding: chunked\r\nTransfer-Encoding: identity',
  ])
  const length = pick(random, [
    `Content-Length: ${all}`,
    `Content-Length: ${all}\r\nContent-Length: ${all + 1}`,
    `Content-Length: 0\r\nContent-Length: ${all}`,
    `Content-Length: ${all}\r\nContent-Length: 0`,
    `Content-Length: 0, ${all}`,
    `Content-Length: +${all}`,
    `Content-Length: ${all}x`,
    `Content-Length: 0x${hex}`,
    `Content-Length: -${all}`,
    `Content-Length: \u000b${all}`,
    `Content-Length : ${all}`,
    `Content-Length:\r\n ${all}`,
    `Content-Length: ${all}\nContent-Length: 0`,
    `Content-Length: 1e2`,
    `X: y\rContent-Length: ${all}`,
    `Content-Length: ${2n ** 32n + 0n}`,
    `Content-Length: ${2n ** 64n}`,
  ])
  const headers = pick(random, [
    [length],
    [encoding, length],
    [length, encoding],
    [encoding, length, 'Connection: keep-alive'],
  ])
  const head = `POST /publish/a HTTP/1.1\r\nHost: a\r\n${headers.join('\r\n')}\r\n\r\n`
  return ['smuggling', Buffer.from(head + hidden, 'latin1')]
}

const PIECES = [
  '{',
  '}',
  '[',
  ']',
  '"',
  ',',
  ':',
  '\\',
  '\\u12',
  '\u0000',
  'é',
  '1e999',
  'nul',
  '\n',
]

function mutatedBody(random: Random): Made {
  let text = pick(random, [BODY, BODY, '{}', '[]', '{"user_ip":"x","user_ip":{}}', '\ufeff{}', ''])
  for (let count = between(random, 0, 3); count > 0; count--) {
    const at = between(random, 0, text.length)
    text = text.slice(0, at) + pick(random, PIECES) + text.slice(at + between(random, 0, 2))
  }
  const body = Buffer.from(text, random() < 0.2 ? 'latin1' : 'utf8')
  const target = pick(random, ['/api/events', '/api/events', '/publish/a'])
  const type = pick(random, ['application/json', 'application/x-ndjson'])
  const head = `POST ${target} HTTP/1.1\r\nHost: a\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n`
  return ['body', Buffer.concat([Buffer.from(head), body])]
}
