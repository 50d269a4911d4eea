// What an operator should know of who may publish, as log lines at start. Main thread.
import type { Logger } from 'pino'
import { isLoopbackHost } from '../config/network.ts'
import type { Config } from '../config/option.ts'

/** Warns of paths where anyone may publish who reaches this server, and of options that do nothing. */
export function warnOfExposure(config: Config, log: Logger): void {
  const { apiEvents, host, publish, publishToken } = config
  const needsToken = publishToken.length > 0
  if (needsToken && publish === 'public') {
    log.warn('--publish public opens nothing: with publish tokens, /publish needs one')
  }
  if (isLoopbackHost(host)) return
  const open: string[] = []
  // Players post to it: in the preset that stands in for pillarbox-event-dispatcher it is meant.
  if (apiEvents === 'public') open.push('POST /api/events (--api-events loopback closes it)')
  if (publish === 'public' && !needsToken) open.push('POST /publish (--publish-token closes it)')
  if (open.length > 0) log.warn({ open }, 'publishing is open to whoever reaches this server')
}
