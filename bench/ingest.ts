// One ingest measurement: POSTs to /api/events with autocannon. It is closed-loop: a connection sends
// its next request when it has an answer, so latency counts from when a request was sent.
import autocannon from 'autocannon'
import type { IngestLoad } from './case.ts'
import type { Cores } from './cores.ts'
import { LatencyHistogram } from './load/histogram.ts'
import { startMeter } from './meter.ts'
import type { Peer } from './peer.ts'
import type { Latency } from './result.ts'
import { type Figures, present, usedBy, WARM_SECONDS } from './window.ts'

/** A heartbeat of a video player, as pillarbox-monitoring sends them: 230 bytes. */
const EVENT = JSON.stringify({
  session_id: '9f1d6a52-8a44-4c4e-9f0b-1b6f0d2c7e11',
  event_name: 'HEARTBEAT',
  timestamp: 1_795_407_683_638,
  version: 1,
  data: { position: 93_250, bitrate: 4_500_000, buffer: 18_400, stall: { count: 0, duration: 0 } },
  user: 'anonymous',
})

type Run = { result: autocannon.Result; latency: Latency | undefined }

function shoot(options: autocannon.Options): Promise<Run> {
  const histogram = new LatencyHistogram()
  return new Promise((resolve, reject) => {
    const run = autocannon(options, (error, result) => {
      if (error) reject(error)
      else resolve({ result, latency: histogram.summary() ?? ownLatency(result) })
    })
    // Autocannon's own histogram has whole ms. Its workers do not pass answers on.
    run.on('response', (_client, _status, _bytes, ms) => histogram.record(ms * 1000))
  })
}

function ownLatency({ latency, requests }: autocannon.Result): Latency {
  return {
    count: requests.total,
    p50Ms: latency.p50,
    p97_5Ms: latency.p97_5,
    p99Ms: latency.p99,
    p99_9Ms: latency.p99_9,
    maxMs: latency.max,
  }
}

function headerOf({ header }: Peer): Record<string, string> {
  const [name = '', ...rest] = header?.split(':') ?? []
  return name === '' ? {} : { [name]: rest.join(':').trim() }
}

export async function measureIngest(
  server: Peer,
  { connections, pipelining }: IngestLoad,
  seconds: number,
  cores: Cores,
): Promise<Figures> {
  const workers = Math.min(cores.load, connections)
  const options: autocannon.Options = {
    url: server.publishUrl,
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headerOf(server) },
    body: EVENT,
    connections,
    pipelining,
    ...(workers > 1 ? { workers } : {}),
  }
  await shoot({ ...options, duration: WARM_SECONDS })
  const meter = startMeter(server, cores)
  const { result, latency } = await shoot({ ...options, duration: seconds })
  const reading = meter()
  const { serverCpuSeconds } = reading
  const accepted = result['2xx']
  const serverCpuUsPerRequest =
    serverCpuSeconds === undefined || accepted === 0
      ? undefined
      : (serverCpuSeconds * 1e6) / result.requests.total
  return {
    ...usedBy(reading),
    // Autocannon's own time: the reading's begins before its workers run.
    publishedPerSecond: accepted / result.duration,
    errors: result.errors + result.non2xx,
    ...present({ latency, serverCpuUsPerRequest }),
  }
}
