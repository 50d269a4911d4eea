// What a stream looks like on the wire, byte for byte: head, greeting, frames in their chunks,
// heartbeats, HEAD, CORS, and how it ends. Clients' parsers and proxies depend on it.
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { ask, Connection, get } from '../kit/connection.ts'
import { post } from '../kit/raw.ts'
import { type Server, startServer } from '../kit/server.ts'
import { RawSubscriber } from '../kit/subscriber.ts'
import { until } from '../kit/until.ts'

let server: Server

/** Everything that comes, as it comes. */
class Wire {
  text = ''
  isClosed = false
  readonly socket

  constructor(port: number, request: string) {
    this.socket = connect(port, '127.0.0.1')
    this.socket.setEncoding('utf8')
    this.socket.write(request)
    this.socket.on('error', () => {})
    this.socket.on('data', (chunk) => {
      this.text += chunk
    })
    this.socket.on('close', () => {
      this.isClosed = true
    })
  }

  get head(): string {
    return this.text.slice(0, this.text.indexOf('\r\n\r\n') + 4)
  }

  get stream(): string {
    return this.text.slice(this.head.length)
  }

  /** Waits until so much of the stream is here, then compares it. */
  async streamed(due: string): Promise<void> {
    const isDue = (): boolean => this.stream.length >= due.length || this.isClosed
    await until(isDue, `${due.length} bytes`)
    assert.equal(this.stream, due)
  }
}

// Every write leaves its chunk's CRLF to the next one: the last chunk on the wire is always an
// empty line, which is nothing in SSE, so that all that matters is in whole chunks.
const OPENING = '5\r\n:ok\n\n\r\n1\r\n\n'

/** One write on the wire: frames in a chunk, and the empty line. */
function written(frames: string): string {
  return `\r\n${Buffer.byteLength(frames).toString(16)}\r\n${frames}\r\n1\r\n\n`
}

/** Of the status. */
interface Row {
  readonly namespace: string
  readonly shard: number
}

const DATE = /^Date: \w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} GMT$/

/** A head's lines, without those that uWebSockets.js adds. */
function ownLines(head: string): string[] {
  const lines = head.split('\r\n').filter((line) => line !== '')
  assert.equal(lines.filter((line) => DATE.test(line)).length, 1, head)
  return lines.filter((line) => !DATE.test(line) && !line.startsWith('uWebSockets: '))
}

function streamHead(type: string): string[] {
  return [
    'HTTP/1.1 200 OK',
    `Content-Type: ${type}`,
    'Cache-Control: no-cache',
    'Connection: keep-alive',
    'Access-Control-Allow-Origin: *',
    'X-Accel-Buffering: no',
  ]
}

describe('a stream', () => {
  before(async () => {
    server = await startServer(['--threads', '2', '--no-user-ip'])
  })
  after(() => server.stop())

  const types: readonly [path: string, type: string][] = [
    ['/events', 'text/event-stream'],
    ['/events?lastEventId=7', 'text/event-stream'],
    ['/subscribe', 'text/event-stream; charset=utf-8'],
    ['/subscribe/', 'text/event-stream; charset=utf-8'],
    ['/subscribe/details/2665', 'text/event-stream; charset=utf-8'],
  ]
  for (const [path, type] of types) {
    test(`GET ${path} sends its head and greeting at once`, async () => {
      const wire = new Wire(server.port, get(path, 'Origin: https://a.example\r\n'))
      await wire.streamed(OPENING)
      assert.deepEqual(ownLines(wire.head), [...streamHead(type), 'Transfer-Encoding: chunked'])
      wire.socket.destroy()
    })

    test(`HEAD ${path} sends the same head, ends, and subscribes nobody`, async () => {
      // Subscribers of the tests before may be on their way out.
      await until(async () => {
        const response = await fetch(`${server.url}/admin/status.json`)
        return ((await response.json()) as { connections: [] }).connections.length === 0
      }, 'nobody is subscribed')
      const connection = new Connection(server.port, true)
      await connection.send(get(path, '', 'HEAD') + get('/admin/status.json'))
      const [head, status] = await connection.answered(2)
      const lines = streamHead(type).slice(1)
      const names = lines.map((line) => line.replace(/:.*/, ''))
      assert.equal(head?.statusLine, 'HTTP/1.1 200 OK')
      assert.deepEqual(
        head?.names.filter((name) => name !== 'Date' && name !== 'uWebSockets'),
        names,
      )
      for (const line of lines) {
        const [name = '', value] = line.split(': ')
        assert.equal(head?.headers.get(name.toLowerCase()), value)
      }
      assert.deepEqual(JSON.parse(status?.body ?? '').connections, [])
      connection.close()
    })
  }

  test('an event of /events is one frame of one chunk, without name and id', async () => {
    const wire = new Wire(server.port, get('/events'))
    await wire.streamed(OPENING)
    await ask(server.port, post('/api/events', '{"a":"é"}'))
    await wire.streamed(OPENING + written('data: {"a":"é"}\n\n'))
    wire.socket.destroy()
  })

  test('an event of /publish has its fields before its data', async () => {
    const wire = new Wire(server.port, get('/subscribe/pets'))
    await wire.streamed(OPENING)
    await ask(server.port, post('/publish/pets/cats?retry=5&id=7&event=meow', ' one\ntwo'))
    const frame = 'event: meow\nid: 7\nretry: 5\ndata:  one\ndata: two\n\n'
    await wire.streamed(OPENING + written(frame))
    await ask(server.port, post('/publish/pets', ''))
    await wire.streamed(OPENING + written(frame) + written('data: \n\n'))
    wire.socket.destroy()
  })

  test('a batch is written at once, in one chunk', async () => {
    const wire = new Wire(server.port, get('/subscribe/batch'))
    await wire.streamed(OPENING)
    const type = 'Content-Type: application/x-ndjson\r\n'
    await ask(server.port, post('/publish/batch', '{"data":1}\n{"data":2}\n{"data":3}', type))
    await wire.streamed(OPENING + written('data: 1\n\ndata: 2\n\ndata: 3\n\n'))
    wire.socket.destroy()
  })

  test('holds nothing from before it was opened, on any shard', async () => {
    const witnesses = await Promise.all(
      Array.from({ length: 8 }, () => new RawSubscriber(server.port, '/subscribe/late').opened()),
    )
    const shards = async (): Promise<number> => {
      const { body } = await ask(server.port, get('/admin/status.json'))
      const { connections } = JSON.parse(body) as { connections: Row[] }
      const own = connections.filter(({ namespace }) => namespace === '/late')
      return new Set(own.map(({ shard }) => shard)).size
    }
    await until(async () => {
      if ((await shards()) === 2) return true
      witnesses.push(await new RawSubscriber(server.port, '/subscribe/late').opened())
      return false
    }, 'each shard has a witness')
    await ask(server.port, post('/publish/late', 'before'))
    // Its 200 says that the event has a place, not that each shard has it.
    await Promise.all(witnesses.map((witness) => witness.received(1)))
    for (const witness of witnesses) witness.close()
    const wires = Array.from({ length: 8 }, () => new Wire(server.port, get('/subscribe/late')))
    await Promise.all(wires.map((wire) => wire.streamed(OPENING)))
    await ask(server.port, post('/publish/late', 'after'))
    for (const wire of wires) {
      await wire.streamed(OPENING + written('data: after\n\n'))
      wire.socket.destroy()
    }
  })
})

describe('heartbeats', () => {
  before(async () => {
    server = await startServer(['--threads', '1', '--heartbeat-seconds', '1'])
  })
  after(() => server.stop())

  test('come every heartbeatSeconds on an idle stream, also while others are busy', async () => {
    const begun = performance.now()
    const idle = new Wire(server.port, get('/subscribe/idle'))
    await idle.streamed(OPENING)
    let due = OPENING
    for (let beat = 1; beat <= 3; beat++) {
      due += written(':\n\n')
      // The default of 15 s would be too late, as would one that the busy topic puts off.
      await until(() => idle.stream.length >= due.length, `heartbeat ${beat}`, 10_000)
      // Never too early: whatever makes this test late makes the time longer.
      const span = performance.now() - begun
      assert.ok(span > beat * 950, `heartbeat ${beat} after ${span} ms`)
      await ask(server.port, post('/publish/busy', 'x'))
    }
    await idle.streamed(due)
    idle.socket.destroy()
  })

  test('do not come while events flow', async () => {
    const busy = await new RawSubscriber(server.port, '/subscribe/busy').opened()
    let beats = 0
    let sentAt = performance.now()
    busy.socket.on('data', () => {
      const seen = busy.text.split('\n').filter((line) => line === ':').length
      if (seen === beats) return
      beats = seen
      // On a machine that stands still for a second, one is right: it must be that long after the event.
      const silence = performance.now() - sentAt
      assert.ok(silence > 950, `a heartbeat ${silence} ms after an event was sent`)
    })
    const begun = performance.now()
    for (let count = 1; performance.now() - begun < 2500; count++) {
      sentAt = performance.now()
      await ask(server.port, post('/publish/busy', 'x'))
      await busy.received(count)
      await delay(100)
    }
    busy.close()
  })
})

describe('CORS with a list of origins', () => {
  before(async () => {
    const origins = 'https://a.example,https://b.example:8443'
    server = await startServer(['--threads', '1', '--cors-origins', origins])
  })
  after(() => server.stop())

  const requests: readonly [name: string, request: (headers: string) => string | Uint8Array][] = [
    ['GET /events', (headers) => get('/events', headers)],
    ['HEAD /events', (headers) => get('/events', headers, 'HEAD')],
    ['GET /subscribe/a', (headers) => get('/subscribe/a', headers)],
    ['POST /api/events', (headers) => post('/api/events', '{}', headers)],
    ['a refused POST', (headers) => post('/api/events', 'x', headers)],
    ['a preflight', (headers) => get('/api/events', headers, 'OPTIONS')],
    ['405', (headers) => get('/api/events', headers)],
    ['404', (headers) => get('/nope', headers)],
    ['403', (headers) => post('/publish/a', 'x', headers)],
    ['GET /health', (headers) => get('/health', headers)],
    ['GET /ready', (headers) => get('/ready', headers)],
  ]
  const origins: readonly [headers: string, allowed: string | undefined][] = [
    ['Origin: https://a.example\r\n', 'https://a.example'],
    ['Origin: https://b.example:8443\r\n', 'https://b.example:8443'],
    ['Origin: https://b.example\r\n', undefined],
    ['Origin: http://a.example\r\n', undefined],
    ['Origin: null\r\n', undefined],
    ['', undefined],
  ]
  for (const [name, request] of requests) {
    test(`${name} names the origin that is in the list, and varies by it`, async () => {
      for (const [headers, allowed] of origins) {
        const wire = new Wire(server.port, Buffer.from(request(headers) as string).toString())
        await until(() => wire.head.length > 4 || wire.isClosed, 'a head')
        const lines = wire.head.split('\r\n')
        const found = lines.filter((line) => /^Access-Control-Allow-Origin/i.test(line))
        const due = allowed === undefined ? [] : [`Access-Control-Allow-Origin: ${allowed}`]
        assert.deepEqual(found, due, headers)
        assert.ok(lines.includes('Vary: Origin'), wire.head)
        wire.socket.destroy()
      }
    })
  }
})

describe('the end of streams when the server stops', () => {
  test('whole chunks, each with a retry of its own between once and twice reconnectMs', async () => {
    const own = await startServer(['--threads', '2', '--reconnect-ms', '1000'])
    const wires = Array.from({ length: 30 }, () => new Wire(own.port, get('/subscribe/stop')))
    const strict = await Promise.all(
      wires.map(() => new RawSubscriber(own.port, '/subscribe/stop').opened()),
    )
    for (const wire of wires) await wire.streamed(OPENING)
    assert.equal(await own.stop(), 0)
    await until(() => [...wires, ...strict].every((one) => one.isClosed), 'all are closed')
    const retries = new Set<number>()
    for (const wire of wires) {
      const rest = wire.stream.slice(OPENING.length)
      // The end may close the chunked body (RFC 9112, 7.1) or the connection alone.
      const match = /^\r\n(\w+)\r\n(retry: (\d+)\n\n)(\r\n1\r\n\n)?(\r\n0\r\n\r\n)?$/.exec(rest)
      assert.ok(match !== null, JSON.stringify(rest))
      assert.equal(Number.parseInt(match[1] as string, 16), match[2]?.length)
      retries.add(Number(match[3]))
    }
    for (const retry of retries) assert.ok(retry >= 1000 && retry <= 2000, `retry: ${retry}`)
    assert.ok(retries.size > 5, `${retries.size} different retries of ${wires.length}`)
    for (const subscriber of strict) {
      assert.match(subscriber.text, /\nretry: \d+\n\n/, 'also where only whole chunks are taken')
    }
  })
})
