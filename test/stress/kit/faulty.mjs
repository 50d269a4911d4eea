// A small dispatcher for the harness's own tests: right in everything but the one fault that
// `--fault` names. It takes POST /api/events and serves GET /events and /health, in one order.
import { openSync } from 'node:fs'
import { createServer } from 'node:http'

/** The fault shows with this event, at the subscriber that came as this one. */
const EVENT = 200
const SUBSCRIBER = 7

const fault = process.argv[process.argv.indexOf('--fault') + 1]
const subscribers = []
let events = 0
let held
const kept = []
/** Of each subscriber, how many events it must do without. */
const skips = []

/** What each subscriber gets in place of an event. */
function framesFor(index, frame) {
  if (skips[index]-- > 0) return []
  if (index !== SUBSCRIBER) return [frame]
  if (events === EVENT) {
    if (fault === 'drop') return []
    if (fault === 'double') return [frame, frame]
    if (fault === 'swap') {
      held = frame
      return []
    }
    if (fault === 'close') {
      subscribers[index].destroy()
      return []
    }
  }
  if (fault === 'hurry') {
    const before = held
    held = frame
    return before === undefined ? [] : [before]
  }
  if (fault === 'freeze' && events >= EVENT) return []
  if (fault === 'swap' && events === EVENT + 1) return [frame, held]
  return [frame]
}

function take(body, response) {
  events++
  if (fault === 'log' && events === EVENT) process.stderr.write('{"level":50,"msg":"ouch"}\n')
  if (fault === 'crash' && events === EVENT) process.exit(3)
  if (fault === 'descriptors' && events > EVENT) openSync('/dev/null', 'r')
  if (fault === 'keep' && events % 30 === 0) openSync('/dev/null', 'r')
  if (fault === 'memory' && events > EVENT) kept.push(Buffer.alloc(4 * 1024 * 1024, 1))
  const isLost = (fault === 'lose' && events === EVENT) || (fault === 'mute' && events > EVENT)
  if (!isLost) {
    const frame = `data: ${body}\n\n`
    for (const [index, subscriber] of subscribers.entries()) {
      for (const one of framesFor(index, frame)) subscriber?.write(one)
    }
  }
  response.writeHead(fault === 'status' && events === EVENT ? 500 : 200, { 'Content-Length': 0 })
  response.end()
}

function subscribe(response) {
  const index = subscribers.push(response) - 1
  skips.push(fault === 'late' && events >= EVENT ? 12 : 0)
  response.writeHead(fault === 'refuse' && index === SUBSCRIBER ? 403 : 200, {
    'Content-Type': 'text/event-stream',
  })
  if (fault === 'refuse' && index === SUBSCRIBER) response.end('no')
  else response.write(':ok\n\n')
  // Its place is not given to another: faults go by it.
  response.on('close', () => {
    subscribers[index] = undefined
  })
}

const server = createServer((request, response) => {
  if (request.url === '/events') subscribe(response)
  else if (request.url === '/health') {
    if (fault !== 'health' || events < EVENT) response.end('{}')
  } else {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => take(body, response))
  }
})
process.once('SIGTERM', () => {
  server.close()
  server.closeAllConnections()
  process.exit(fault === 'exit' ? 1 : 0)
})
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`faulty listening on http://127.0.0.1:${server.address().port}\n`)
})
