// Python's requests delivers whole chunks only: an event whose chunk is not ended reaches it with
// the next one, however late that comes. Here one event is published, and never a second.
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Program, startProgram } from '../kit/program.ts'
import { sharedServer, startServer } from '../kit/server.ts'
import { until } from '../kit/until.ts'

// Debian's, which the package python3-requests belongs to; another python3 may come first in PATH.
const PYTHON = '/usr/bin/python3'
const SCRIPT = fileURLToPath(new URL('../clients/read_one.py', import.meta.url))
const WITHIN_MS = 30_000

/** A heartbeat would end the chunk too, so there is none for as long as the test may take. */
const ARGS = ['--heartbeat-seconds', '3600', '--threads', '2']

async function read(t: TestContext, url: string): Promise<Program> {
  const reader = startProgram(t, PYTHON, [SCRIPT, url])
  await until(() => reader.lines.includes(':ok'), 'the stream opens').catch((error) => {
    throw new Error(`${error.message}: ${reader.errors.join('\n')}`)
  })
  return reader
}

/** The lines that say something; what stands between events are empty ones. */
function said({ lines }: Program): string[] {
  return lines.filter((line) => line !== '')
}

async function assertArrives(t: TestContext, data: string, ...args: string[]): Promise<void> {
  const server = await sharedServer([...ARGS, ...args])
  // A topic of its own: an event of another test would end the chunk.
  const topic = `${data.length}-bytes`
  const reader = await read(t, `${server.url}/subscribe/${topic}`)
  const response = await fetch(`${server.url}/publish/${topic}`, { method: 'POST', body: data })
  assert.equal(response.status, 200)
  const line = `data: ${data}`
  await until(() => reader.lines.includes(line), `the only event, ${data.length} bytes`, WITHIN_MS)
  // A client acts on the event at the empty line after it.
  const isOver = () => reader.lines.indexOf('', reader.lines.indexOf(line)) !== -1
  await until(isOver, 'the empty line after it', WITHIN_MS)
  assert.deepEqual(said(reader), [':ok', line])
}

function textOf(bytes: number): string {
  return 'abcdefghij'.repeat(bytes / 10)
}

describe('Python requests, iter_lines with its defaults', () => {
  it('gets a single event of /events at once', async (t) => {
    const server = await sharedServer(ARGS)
    const reader = await read(t, `${server.url}/events`)
    const response = await fetch(`${server.url}/api/events`, { method: 'POST', body: '{"n":1}' })
    assert.equal(response.status, 200)
    const line = 'data: {"n":1,"user_ip":"127.0.0.1"}'
    await until(() => reader.lines.includes(line), 'the only event', WITHIN_MS)
    assert.deepEqual(said(reader), [':ok', line])
  })

  it('gets a single small event at once', (t) => assertArrives(t, 'small'))

  // Past 16 KB the closing write takes a cork of its own.
  it('gets a single event of 15,990 bytes at once', (t) => assertArrives(t, textOf(15_990)))
  it('gets a single event of 16,000 bytes at once', (t) => assertArrives(t, textOf(16_000)))
  it('gets a single event of 60 KB at once', (t) => assertArrives(t, textOf(60_000)))
  it('gets a single event of 100 KB at once', (t) => assertArrives(t, textOf(100_000)))

  it('gets a single event of many writes at once', (t) =>
    assertArrives(t, textOf(100_000), '--write-bytes-max', '4096'))

  it('sees a stream that ends as it should when the server stops', async (t) => {
    const server = await startServer([...ARGS, '--reconnect-ms', '0'])
    t.after(() => server.stop())
    const reader = await read(t, `${server.url}/events`)
    assert.equal(await server.stop(), 0)
    assert.equal(await reader.ended, 0, reader.errors.join('\n'))
    assert.deepEqual(said(reader), [':ok', 'retry: 0'])
  })
})
