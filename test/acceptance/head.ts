// Statements about the heads of answers: status and headers of GET and HEAD, and the end of HEAD.
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { afterHead, below, Stream } from '../kit/stream.ts'
import { LIMIT_MS, must } from './statement.ts'

const HEADERS: readonly [name: string, value: string, pattern: RegExp][] = [
  ['Content-Type', 'text/event-stream; charset=utf-8', /^text\/event-stream; *charset=utf-8$/i],
  ['Cache-Control', 'no-cache', /^no-cache$/i],
  ['Connection', 'keep-alive', /^keep-alive$/i],
  ['Access-Control-Allow-Origin', '*', /^\*$/],
]

export function headStatements(base: URL, method: 'HEAD' | 'GET', path: string): void {
  const url = below(base, path)
  describe(`${method} ${path}`, () => {
    // Asked for at once, with those of the other endpoints: a server may keep each for long.
    const stream = new Stream(url, LIMIT_MS, { method })
    stream.opened.finally(() => stream.close()).catch(() => {})
    const rest = method === 'HEAD' ? afterHead(url, LIMIT_MS) : undefined
    rest?.catch(() => {})

    must('MUST answer with status 200', async () => {
      await stream.opened
      assert.equal(stream.status, 200)
    })

    for (const [name, value, pattern] of HEADERS) {
      must(`SHOULD send ${name}: ${value}`, async () => {
        await stream.opened
        assert.match(stream.header(name).trim(), pattern)
      })
    }

    if (rest === undefined) return
    must('MUST close after the headers, without a body', async () => assert.equal(await rest, ''))
  })
}
