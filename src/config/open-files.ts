// How many connections the process's limit of open files lets it have. Main thread, once, at start.
import { readFileSync } from 'node:fs'
import { CarillonError } from '../error.ts'
import type { Config } from './option.ts'

/**
 * Connections above `connectionsMax` that are still taken, because a refusal must be answered, and
 * health checks and publishers served. What comes above these, too, is closed unanswered.
 */
export const CONNECTIONS_SPARE = 64
/** Open files of a shard besides its listen sockets and connections, and those of the process. */
const FILES_OF_SHARD = 8
const FILES_OF_PROCESS = 48
/** Where the system has no limit. */
const CONNECTIONS_MAX = 1_000_000

/**
 * The option as it is, or what fits where it is 0.
 * @throws CarillonError where that does not fit the limit of open files
 */
export function connectionsOf(config: Config, limit = openFilesMax()): number {
  const { connectionsMax, listenSockets, threads } = config
  const own = FILES_OF_PROCESS + threads * (listenSockets + FILES_OF_SHARD) + CONNECTIONS_SPARE
  const fit = Math.min(CONNECTIONS_MAX, limit - own)
  if (fit >= Math.max(1, connectionsMax)) return connectionsMax || fit
  const asked = Math.max(1, connectionsMax)
  const needs = `${asked} connections need ${asked + own} open files, and the limit is ${limit}`
  const hint = 'raise it (ulimit -n, LimitNOFILE) or lower --connections-max or --listen-sockets'
  throw new CarillonError('bad_value', `--connections-max: ${needs}; ${hint}`)
}

/** Node has raised the soft limit to the hard one when it started. */
function openFilesMax(): number {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8')
    return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY)
  } catch {
    // Not Linux. The report would look up names of the network's interfaces.
    Object.assign(process.report, { excludeNetwork: true })
    const report = process.report.getReport() as unknown as {
      userLimits?: { open_files?: { soft: number | 'unlimited' } }
    }
    const soft = report.userLimits?.open_files?.soft
    return typeof soft === 'number' ? soft : Number.POSITIVE_INFINITY
  }
}
