// A port for a program that cannot be told to find one by itself.
import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Ports that no system gives to a connection or to a program which asks for any port: Linux begins with
 * 32768, others with 49152. A free one of them is not taken by chance before its program listens on it.
 */
const PORT_MIN = 12_000
const PORT_MAX = 32_000

/** A port that was free just now: redis-server takes no port 0. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = PORT_MIN + Math.floor(Math.random() * (PORT_MAX - PORT_MIN))
    const server = createServer().listen(port, '127.0.0.1')
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    )
    server.close()
    if (!isFree) continue
    await once(server, 'close')
    return port
  }
}
