// The image's HEALTHCHECK: exit 0 when the server on PORT answers GET /health with 200, else 1.
// With tlsCert it speaks TLS on that port. It is asked for no certificate: this asks itself.
import { get } from 'node:http'
import { get as getSecure } from 'node:https'

/** For both tries together less than the timeout of the HEALTHCHECK, 5 s. */
const TIMEOUT_MS = 2000

const where = { host: '127.0.0.1', port: process.env.PORT, path: '/health', timeout: TIMEOUT_MS }

/** The status of the answer; 0 where there was none. */
function ask(send, options) {
  return new Promise((resolve) => {
    const request = send({ ...where, ...options }, ({ statusCode }) => resolve(statusCode))
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(0))
  })
}

const status = (await ask(get, {})) || (await ask(getSecure, { rejectUnauthorized: false }))
process.exit(status === 200 ? 0 : 1)
