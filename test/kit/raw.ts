// Bytes out, bytes in: for requests that no well-behaved client would send.
import { connect } from 'node:net'
import { until } from './until.ts'

/**
 * Writes requests on one connection and reads their answers, as they are on the wire. It ends when so
 * many answers are whole (of a stream, its head), or when the server closes the connection.
 * @param requests one or several whole requests each
 * @param count how many answers are due
 */
export async function exchange(
  port: number,
  requests: readonly (string | Uint8Array)[],
  count = requests.length,
): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.setNoDelay(true)
  let wire = ''
  let isClosed = false
  socket.setEncoding('latin1')
  socket.on('data', (chunk) => {
    wire += chunk
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    isClosed = true
  })
  for (const request of requests) socket.write(request)
  const methods = requests.map(
    (request) => Buffer.from(request).toString('latin1').split(' ', 1)[0],
  )
  try {
    await until(() => isClosed || wholeAnswers(wire, methods) >= count, `${count} whole answers`)
  } finally {
    socket.destroy()
  }
  return wire
}

/** How many of the answers are whole. @throws Error when what follows an answer is not an answer */
function wholeAnswers(wire: string, methods: readonly (string | undefined)[]): number {
  let at = 0
  for (let count = 0; ; count++) {
    if (at >= wire.length) return count
    const bodyAt = wire.indexOf('\r\n\r\n', at) + 4
    if (bodyAt < at + 4) return count
    const head = wire.slice(at, bodyAt)
    if (!/^HTTP\/1\.1 \d{3} /.test(head)) throw new Error(`not an answer: ${head}`)
    const length = Number(/\r\ncontent-length: (\d+)\r\n/i.exec(head)?.[1] ?? 0)
    if (methods[count] === 'HEAD') at = bodyAt
    else if (!/\r\ntransfer-encoding: chunked\r\n/i.test(head)) at = bodyAt + length
    // A stream has no end; what it brings is not waited for.
    else if (/\r\ncontent-type: text\/event-stream/i.test(head)) return count + 1
    else {
      const end = /(^|\r\n)0\r\n\r\n/.exec(wire.slice(bodyAt))
      if (end === null) return count
      at = bodyAt + end.index + end[0].length
    }
    if (at > wire.length) return count
  }
}

/** A POST with its Content-Length. */
export function post(path: string, body: string | Uint8Array, headers = ''): Buffer {
  const bytes = Buffer.from(body as string)
  const head = `POST ${path} HTTP/1.1\r\nHost: test\r\n${headers}Content-Length: ${bytes.length}\r\n\r\n`
  return Buffer.concat([Buffer.from(head), bytes])
}
