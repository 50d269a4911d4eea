// The library: start a dispatcher, stop it. Signals, exit codes and output belong to main.ts.
import type { Logger } from 'pino'
import { type CertificateFacts, readCertificate } from './config/certificate.ts'
import { setHeaderLimit } from './config/header-limit.ts'
import { connectionsOf } from './config/open-files.ts'
import type { Config } from './config/option.ts'
import { resolveConfig } from './config/parse.ts'
import { allTokens } from './config/token-file.ts'
import { CarillonError, type ErrorCode } from './error.ts'
import type { Hub } from './hub/hub.ts'
import type { Counts, DispatcherState, Levels, SourceState } from './hub/message.ts'
import { probeAddress } from './hub/probe.ts'
import { type Publication, publish } from './hub/publication.ts'
import { Supervisor } from './hub/supervisor.ts'
import { Desk } from './ops/desk.ts'
import { warnOfExposure } from './ops/exposure.ts'
import { watchThread } from './ops/figures.ts'
import { createLog } from './ops/log.ts'
import { reportStatus } from './ops/reporter.ts'
import { statusPages } from './ops/status.ts'
import { version } from './ops/version.ts'
import type { RedisSource } from './source/redis.ts'

export {
  CarillonError,
  type Config,
  type Counts,
  type ErrorCode,
  type Levels,
  type Publication,
  type SourceState,
  version,
}

/** How a dispatcher does. Counts are since its start, and up to a second old. */
export interface Stats extends Pick<DispatcherState, 'ready' | 'reason' | 'overloaded'> {
  /** Events in the order of all: over HTTP, from sources, by `publish`, and of rollups. */
  readonly events: number
  /** Bytes of events that the slowest shard has still to write. */
  readonly backlogBytes: number
  readonly levels: Levels
  readonly counts: Counts
  readonly sources: readonly SourceState[]
}

/** A running dispatcher. */
export interface Dispatcher {
  /** The port it listens on, also where port 0 was asked for. */
  readonly port: number
  /** Where clients on this machine reach it. */
  readonly url: string
  /** Resolves when it cannot go on: a shard dies again and again. Then call `close`. */
  readonly failed: Promise<CarillonError>
  /**
   * Publishes an event. It has its place in the order of all when this returns.
   * @returns false, with the event dropped, while subscribers wait for the server to write earlier
   * events (`backlogBytesMax`): publish less, or later
   * @throws CarillonError `bad_event` for a topic, name, id, retry or data that cannot be used;
   * `stopped` after `close` was called
   */
  publish(event: Publication): boolean
  stats(): Stats
  /**
   * Reads the files of `tlsCert` and `tlsKey` anew: connections from now on get that certificate;
   * those that are there keep theirs, and their streams. Without TLS it only logs that.
   * @throws CarillonError, and the old certificate stays, where the files cannot be used
   */
  renewCertificate(): Promise<void>
  /**
   * Stops: takes nothing more, delivers what was accepted, closes all streams.
   * @param drainSeconds the most time that may take; by default the option of that name
   */
  close(drainSeconds?: number): Promise<void>
}

/**
 * Starts a dispatcher and resolves when every shard listens.
 * @param options by name, as docs/options.md lists them; what is absent has its default
 * @throws CarillonError for a bad option, a port in use, a shard that cannot start, a source that
 * cannot be reached
 */
export async function carillon(options: Partial<Config> = {}): Promise<Dispatcher> {
  const resolved = resolveConfig(options)
  // What files and the process's limits say is added here, once, however the options came.
  const config = Object.freeze({
    ...resolved,
    ...allTokens(resolved),
    connectionsMax: connectionsOf(resolved),
  })
  const certificate = readCertificate(config)
  const log = createLog(config.logLevel, {})
  const port = await probeAddress(config.host, config.port)
  setHeaderLimit(config.headerBytesMax)
  const figures = watchThread()
  const supervisor = new Supervisor(config, port, log, () => figures.read())
  const { hub } = supervisor
  const redis = await openRedis(config, log, hub)
  const failed = new Promise<CarillonError>((resolve) => {
    supervisor.onFailure = resolve
  })
  let stopReports = (): void => {}
  const stop = async (drainSeconds: number): Promise<void> => {
    stopReports()
    redis?.stop()
    await supervisor.stop(drainSeconds * 1000)
    figures.stop()
  }
  try {
    await redis?.start()
    await supervisor.start()
  } catch (error) {
    await stop(0)
    throw error
  }
  if (redis !== undefined && config.statusReportSeconds > 0) {
    stopReports = reportToRedis(config, log, hub, redis)
  }
  const url = urlOf(config, port)
  log.info({ url, threads: config.threads, preset: config.preset, version }, 'listening')
  warnOfExposure(config, log)
  if (certificate !== undefined) logCertificate(log, certificate, 'serving https')
  const close = async (drainSeconds: number): Promise<void> => {
    log.info({ drainSeconds }, 'stopping')
    await stop(drainSeconds)
    log.info('stopped')
  }
  const renew = async (): Promise<void> => {
    const renewed = readCertificate(config)
    if (renewed === undefined) {
      log.warn('no certificate to renew: this server is without TLS')
      return
    }
    await supervisor.renewCertificate()
    logCertificate(log, renewed, 'certificate renewed')
  }
  let renewal = Promise.resolve()
  let closed: Promise<void> | undefined
  return {
    port,
    url,
    failed,
    publish: (event) => {
      if (closed !== undefined) throw new CarillonError('stopped', 'the dispatcher is stopped')
      return publish(hub.inlet, event, config.bodyBytesMax)
    },
    stats: () => statsOf(hub.state),
    // One after the other: each must end with what the files held at its time.
    renewCertificate: () => (renewal = renewal.then(renew, renew)),
    close: (drainSeconds = config.drainSeconds) => (closed ??= close(drainSeconds)),
  }
}

function statsOf(state: DispatcherState): Stats {
  const { ready, reason, overloaded, events, backlogBytes, sources, totals } = state
  const { levels, counts } = totals
  return { ready, reason, overloaded, events, backlogBytes, levels, counts, sources }
}

/** The Redis that events come from, or that the status goes to. Its client is loaded only if it is used. */
async function openRedis(config: Config, log: Logger, hub: Hub): Promise<RedisSource | undefined> {
  const isUsed = config.redisSubscriptions.length > 0 || config.statusReportSeconds > 0
  if (!isUsed) return undefined
  const { RedisSource } = await import('./source/redis.ts')
  const redis = new RedisSource(config, log, hub.inlet, () => hub.tellState())
  // Where it only takes reports, events come without it.
  if (config.redisSubscriptions.length > 0) hub.sources.push(redis)
  return redis
}

/** @returns what ends the reports */
function reportToRedis(config: Config, log: Logger, hub: Hub, redis: RedisSource): () => void {
  const desk = new Desk((ask, query) => hub.ask(ask, query))
  hub.onAnswer = (answer) => desk.receive(answer)
  return reportStatus(
    config.statusReportSeconds,
    (done) => {
      desk.ask({ kind: 'status' }, (gathered) => {
        done(statusPages(config.nodeName, hub.startedAt, gathered))
      })
    },
    (text) => redis.setField(config.statusReportKey, config.nodeName, text),
    log,
  )
}

function logCertificate(log: Logger, facts: CertificateFacts, message: string): void {
  const { fault, ...certificate } = facts
  log.info({ certificate }, message)
  if (fault !== undefined)
    log.warn({ certificate }, `clients will refuse the certificate: ${fault}`)
}

function urlOf({ host, tlsCert }: Config, port: number): string {
  const scheme = tlsCert === '' ? 'http' : 'https'
  if (host === '*' || host === '0.0.0.0' || host === '::') return `${scheme}://127.0.0.1:${port}`
  return host.includes(':') ? `${scheme}://[${host}]:${port}` : `${scheme}://${host}:${port}`
}
