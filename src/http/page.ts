// The files that browsers get, as scripts/page made them of src/page/. Shard thread. They are in memory
// as they are sent: a few, and small.

import type { HttpRequest, HttpResponse } from 'uWebSockets.js'
import { createHash } from 'node:crypto'
import { files } from '../page/files.js'
import { endHead, NO_SNIFF } from './answer.ts'
import type { RequestHead } from './head.ts'

/** Only what comes with the page runs in it, and it talks to nobody else (CSP 3). */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

export interface Page {
  readonly type: string
  readonly text: string
  readonly tag: string
}

/** By path. */
export const pages: ReadonlyMap<string, Page> = new Map(
  Object.entries(files).map(([path, { type, text }]) => [path, pageOf(type, text)]),
)

export function pageOf(type: string, text: string): Page {
  const digest = createHash('sha256').update(text).digest('base64url')
  return { type, text, tag: `"${digest.slice(0, 16)}"` }
}

/** Answers with a page, or that the client has it (RFC 9110, 13.1.2). */
export function writePage(
  response: HttpResponse,
  request: HttpRequest,
  { isHead }: RequestHead,
  { type, text, tag }: Page,
): void {
  const given = request.getHeader('if-none-match')
  // A proxy that compresses makes the tag a weak one.
  const isKnown = given.split(',').some((one) => one.trim().replace(/^W\//, '') === tag)
  response.writeStatus(isKnown ? '304 Not Modified' : '200 OK')
  response.writeHeader('ETag', tag).writeHeader('Cache-Control', 'no-cache')
  response.writeHeader(...NO_SNIFF)
  if (isKnown) {
    response.endWithoutBody()
    return
  }
  response.writeHeader('Content-Type', type)
  if (type.startsWith('text/html')) {
    response.writeHeader('Content-Security-Policy', POLICY)
    response.writeHeader('Referrer-Policy', 'no-referrer')
  }
  if (isHead) endHead(response, text)
  else response.end(text)
}

/** Answers that it is elsewhere. */
export function writeMoved(response: HttpResponse, to: string): void {
  response.writeStatus('301 Moved Permanently').writeHeader('Location', to)
  response.writeHeader('Content-Length', '0').endWithoutBody()
}
