// Bytes out, bytes in: for requests that no well-behaved client would send.
import { connect } from 'node:net'

/** Writes the pieces one after the other, each when the last was sent, and reads to the end. */
export function exchange(
  port: number,
  pieces: readonly (string | Uint8Array)[],
  { endAfterMs = 300, waitMs = 0 }: { endAfterMs?: number; waitMs?: number } = {},
): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.setNoDelay(true)
    let answer = ''
    let idle: NodeJS.Timeout
    const done = (): void => {
      clearTimeout(idle)
      socket.destroy()
      resolve(answer)
    }
    const rest = (): void => {
      clearTimeout(idle)
      idle = setTimeout(done, endAfterMs)
    }
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1')
      rest()
    })
    socket.on('close', done)
    socket.on('error', done)
    const send = (index: number): void => {
      const piece = pieces[index]
      if (piece === undefined) rest()
      else socket.write(piece, () => setTimeout(() => send(index + 1), waitMs))
    }
    socket.on('connect', () => send(0))
  })
}

/** A POST with its Content-Length. */
export function post(path: string, body: string | Uint8Array, headers = ''): Buffer {
  const bytes = Buffer.from(body as string)
  const head = `POST ${path} HTTP/1.1\r\nHost: test\r\n${headers}Content-Length: ${bytes.length}\r\n\r\n`
  return Buffer.concat([Buffer.from(head), bytes])
}
