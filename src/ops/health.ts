// The documents of GET /health (the process lives) and GET /ready (it can serve). Shard thread.
import { serialize } from '../document/serialize.ts'
import type { DispatcherState } from '../hub/message.ts'
import { unixSeconds } from './time.ts'
import { version } from './version.ts'

const MIB = 1024 * 1024

/**
 * pillarbox-event-dispatcher's health document with its figures' Node meaning. Sums over all
 * threads are up to a second old; answering asks no other thread, so it works while they hang.
 */
export function healthBody(state: DispatcherState | undefined): string {
  const { levels, counts } = state?.totals ?? {}
  return serialize.health({
    message: 'PONG',
    timestamp: Date.now(),
    alloc: mebibytes(levels?.heapUsedBytes ?? 0),
    sys: mebibytes(process.memoryUsage.rss()),
    num_gc: counts?.gcCount ?? 0,
    pause_total_ns: counts?.gcPauseNs ?? 0,
    threads: state?.threads ?? 0,
    subscribers: levels?.subscribers ?? 0,
    uptime_s: Math.floor(process.uptime()),
    version,
  })
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`
}

/**
 * Whether the dispatcher can serve, and why not. Anyone may read it: of a source it has neither
 * address nor error.
 */
export function readiness(
  state: DispatcherState | undefined,
  isDraining: boolean,
): { ready: boolean; body: string } {
  const reason = isDraining ? 'draining' : (state?.reason ?? 'starting')
  const ready = reason === 'ready'
  const sources = state?.sources.map(({ name, isUp, since }) => ({
    name,
    state: isUp ? 'up' : 'down',
    since: unixSeconds(since),
  }))
  return { ready, body: serialize.ready({ ready, reason, sources }) }
}
