// POSTs per second that the built server takes: autocannon, a realistic player event of 230 bytes.
// Run: make bench. The load shares the machine with the server, so figures are a lower bound.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import autocannon from 'autocannon'

const SECONDS = 5
const CONNECTIONS = [1, 16, 64, 256]

const event = JSON.stringify({
  session_id: '9f1d6a52-8a44-4c4e-9f0b-1b6f0d2c7e11',
  event_name: 'HEARTBEAT',
  timestamp: 1_795_407_683_638,
  version: 1,
  data: { position: 93_250, bitrate: 4_500_000, buffer: 18_400, stall: { count: 0, duration: 0 } },
  user: 'anonymous',
})

const server = spawn(
  process.execPath,
  ['dist/main.js', '--host', '127.0.0.1', '--port', '0', '--threads', '1', '--log-level', 'warn'],
  { stdio: ['ignore', 'pipe', 'inherit'] },
)
const [line] = await once(createInterface(server.stdout), 'line')
const url = `${/http:\S+/.exec(line)?.[0]}/api/events`

process.stdout.write(`POST /api/events, ${event.length} bytes, 1 shard, ${SECONDS} s each\n\n`)
process.stdout.write('| connections | requests/s | p50 ms | p99 ms | p99.9 ms | errors |\n')
process.stdout.write('| --- | --- | --- | --- | --- | --- |\n')
for (const connections of CONNECTIONS) {
  const result = await autocannon({
    url,
    connections,
    duration: SECONDS,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: event,
  })
  const { latency, requests, errors, non2xx } = result
  const cells = [connections, Math.round(requests.average), latency.p50, latency.p99]
  process.stdout.write(`| ${[...cells, latency.p99_9, errors + non2xx].join(' | ')} |\n`)
}
server.kill('SIGTERM')
await once(server, 'exit')
