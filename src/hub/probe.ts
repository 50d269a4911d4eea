// Can the address be listened on? Asked before the shards start. Main thread.
// Their sockets share the port (SO_REUSEPORT), so a second dispatcher would get half of the
// first one's connections instead of an error; and uWS does not say why it cannot listen.
import { type AddressInfo, createServer } from 'node:net'
import { CarillonError } from '../error.ts'

/**
 * Listens alone for a moment.
 * @returns the port, which for port 0 is a free one: uWS shares no port that it found by itself
 * @throws CarillonError `port_in_use` or `cannot_listen`
 */
export async function probeAddress(host: string, port: number): Promise<number> {
  const server = createServer()
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(host === '*' ? { port } : { port, host }, resolve)
    })
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'EADDRINUSE') {
      const hint = 'another program listens there; choose another with --port'
      throw new CarillonError('port_in_use', `port ${port} is in use: ${hint}`, { cause })
    }
    const where = host === '*' ? `port ${port}` : `${host}, port ${port}`
    throw new CarillonError('cannot_listen', `cannot listen on ${where}: ${message}`, { cause })
  }
  const bound = (server.address() as AddressInfo).port
  await new Promise((resolve) => server.close(resolve))
  return bound
}
