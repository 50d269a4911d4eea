// The fuzzer itself: held against servers that do one thing wrong, it finds that.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { FuzzFault, fuzz } from '../fuzz/run.ts'
import { CUTS, MARKER, type Shape, shapeOf } from '../fuzz/shape.ts'

const SEED = 1

function numbersOf(kind: Shape['kind'], count: number): number[] {
  const numbers: number[] = []
  for (let number = CUTS; numbers.length < count; number++) {
    if (shapeOf(SEED, number).kind === kind) numbers.push(number)
  }
  return numbers
}

/** A server that answers /health and streams, and does with the rest what the test says. */
async function startBad(
  t: TestContext,
  onRequest: (text: string, socket: Socket, streams: Set<Socket>) => void,
): Promise<number> {
  const streams = new Set<Socket>()
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      const text = chunk.toString('latin1')
      if (text.startsWith('GET /subscribe/ ')) {
        streams.add(socket)
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n:ok\n\n\r\n')
      } else if (text.startsWith('GET /health HTTP/1.1\r\nhost')) {
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
      } else onRequest(text, socket, streams)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

const REFUSED = 'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'

async function faultOf(port: number, numbers: number[], isAlive = () => true): Promise<string> {
  const error = await fuzz({ port, isAlive, patienceMs: 8_000 }, SEED, numbers).then(
    () => assert.fail('it found nothing'),
    (fault: unknown) => fault,
  )
  assert.ok(error instanceof FuzzFault, String(error))
  return error.message
}

describe('the fuzzer', { concurrency: true }, () => {
  it('finds nothing where all is refused', async (t) => {
    const port = await startBad(t, (_text, socket) => socket.end(REFUSED))
    const figures = await fuzz({ port, isAlive: () => true }, SEED, numbersOf('smuggling', 50))
    assert.deepEqual([figures.cases, figures.events], [50, 0])
  })

  it('finds one that carries out a request that hides in a body', async (t) => {
    const port = await startBad(t, (text, socket, streams) => {
      const [hidden] = new RegExp(`${MARKER}\\d+$`).exec(text) ?? []
      if (hidden !== undefined && text.includes('Content-Length: 0, ')) {
        const event = `data: ${hidden}\n\n`
        const chunk = `${event.length.toString(16)}\r\n${event}\r\n`
        for (const stream of streams) stream.write(chunk)
        // Only when it has come.
        setTimeout(() => socket.end(REFUSED), 100)
      } else socket.end(REFUSED)
    })
    const said = await faultOf(port, numbersOf('smuggling', 200))
    assert.match(said, /^carried out what was hidden: smuggling, seed 1, case \d+: ".*0, \d+/)
  })

  it('finds one that dies, and one that answers 500', async (t) => {
    let isDead = false
    const dying = await startBad(t, (text, socket) => {
      if (text.includes('chunked')) isDead = true
      socket.end(REFUSED)
    })
    assert.match(await faultOf(dying, numbersOf('smuggling', 50), () => !isDead), /^it died: /)
    const failing = await startBad(t, (_text, socket) => {
      socket.end(REFUSED.replace('400 Bad Request', '500 Oops'))
    })
    assert.match(await faultOf(failing, numbersOf('body', 20)), /^answered 500: body, seed 1/)
  })

  it('finds one that says 200 and delivers nothing', async (t) => {
    const port = await startBad(t, (_text, socket) => {
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
    })
    const target = { port, isAlive: () => true, patienceMs: 8_000 }
    await assert.rejects(fuzz(target, SEED, numbersOf('body', 20)), /what was answered 200 comes/)
  })

  it('finds one that hangs', async (t) => {
    const port = await startBad(t, (text, socket) => {
      if (!text.includes('xchunked')) socket.end(REFUSED)
    })
    const waits = (number: number): boolean => {
      const { bytes, end } = shapeOf(SEED, number)
      return end === 'wait' && bytes.includes('xchunked')
    }
    const said = await faultOf(port, numbersOf('smuggling', 400).filter(waits).slice(0, 3))
    assert.match(said, /^neither answered nor closed: smuggling/)
  })
})
