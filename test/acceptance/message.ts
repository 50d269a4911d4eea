// What is seen of a stream's messages, and the statements that hold for those of every endpoint.
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { EventSource } from 'eventsource'
import type { Stream } from '../kit/stream.ts'
import { until } from '../kit/until.ts'
import { LIMIT_MS, must, RECORD_MS } from './statement.ts'

/** Fewer than these are looked at for longer than RECORD_MS, up to LIMIT_MS. */
const ENOUGH_MESSAGES = 20

/** Reads on after the first message, then closes the stream, and gives it for the statements. */
export async function record(stream: Stream): Promise<Stream> {
  const start = performance.now()
  await stream.received(1, LIMIT_MS)
  const first = performance.now()
  for (;;) {
    const now = performance.now()
    const isEnough = stream.messages.length >= ENOUGH_MESSAGES || now > start + LIMIT_MS
    if (isEnough && now > first + RECORD_MS) break
    if (stream.closedAt > 0) throw new Error(`${stream.name} MUST stay open, but was closed`)
    await delay(50)
  }
  stream.close()
  return stream
}

/** @param isNamed messages have an event field; otherwise none has */
export function messageStatements(recorded: () => Promise<Stream>, isNamed: boolean): void {
  must('MUST come', async () => {
    await recorded()
  })

  must('MUST be properly formatted SSE, in valid UTF-8', async () => {
    for (const line of (await recorded()).lines()) {
      assert.match(line, /^(:.*|(data|event|id)(:.*)?|retry: ?\d+|)$/)
    }
  })

  must('MUST have a data field', async () => {
    let fields = new Set<string>()
    for (const line of (await recorded()).lines()) {
      if (line !== '') {
        fields.add(line.replace(/:.*/, ''))
        continue
      }
      const isMessage = fields.has('event') || fields.has('id')
      assert.ok(!isMessage || fields.has('data'), `there is one of only ${[...fields].join(', ')}`)
      fields = new Set()
    }
  })

  must(`SHOULD have ${isNamed ? 'an' : 'no'} event field`, async () => {
    const stream = await recorded()
    if (!isNamed) assertNone(stream, 'event')
    else for (const { event, data } of stream.messages) assert.ok(event !== undefined, data)
  })

  must('SHOULD have no ID field', async () => assertNone(await recorded(), 'id'))
}

function assertNone(stream: Stream, field: string): void {
  const found = stream.lines().filter((line) => line === field || line.startsWith(`${field}:`))
  assert.equal(found.length, 0, `${found.length} times, first: ${found[0]}`)
}

/** An EventSource gets messages of this name: the first that comes, named or not, is one. */
export async function assertReachesEventSource(
  t: TestContext,
  url: URL,
  name = 'message',
): Promise<void> {
  const source = new EventSource(url)
  t.after(() => source.close())
  let got: string | undefined
  let fault: string | undefined
  for (const type of ['message', name]) {
    source.addEventListener(type, () => {
      got ??= type
    })
  }
  source.addEventListener('error', ({ message }) => {
    fault = message
  })
  const isOver = (): boolean => got !== undefined || source.readyState === source.CLOSED
  await until(isOver, `an EventSource on ${url.pathname} MUST get a message`, LIMIT_MS)
  assert.equal(got, name, fault)
}
