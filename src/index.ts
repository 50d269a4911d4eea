// The library: start a dispatcher, stop it. Signals, exit codes and output belong to main.ts.
import type { Logger } from 'pino'
import { setHeaderLimit } from './config/header-limit.ts'
import type { Config } from './config/option.ts'
import { resolveConfig } from './config/parse.ts'
import { CarillonError } from './error.ts'
import type { Hub } from './hub/hub.ts'
import { probeAddress } from './hub/probe.ts'
import { Supervisor } from './hub/supervisor.ts'
import { watchThread } from './ops/figures.ts'
import { createLog } from './ops/log.ts'
import { reportStatus } from './ops/reporter.ts'
import { StatusDesk } from './ops/status.ts'
import { version } from './ops/version.ts'
import { RedisSource } from './source/redis.ts'

export { CarillonError, type Config, version }

/** A running dispatcher. */
export interface Dispatcher {
  /** The port it listens on, also where port 0 was asked for. */
  readonly port: number
  /** Where clients on this machine reach it. */
  readonly url: string
  /** Resolves when it cannot go on: a shard dies again and again. Then call `close`. */
  readonly failed: Promise<CarillonError>
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
  const config = resolveConfig(options)
  const log = createLog(config.logLevel, {})
  const port = await probeAddress(config.host, config.port)
  setHeaderLimit(config.headerBytesMax)
  const figures = watchThread()
  const supervisor = new Supervisor(config, port, log, () => ({
    subscribers: 0,
    closedSlow: 0,
    ...figures.read(),
  }))
  const { hub } = supervisor
  const redis = openRedis(config, log, hub)
  const failed = new Promise<CarillonError>((resolve) => {
    supervisor.onFailure = resolve
  })
  let stopReports = (): void => {}
  const stop = async (drainSeconds: number): Promise<void> => {
    stopReports()
    redis?.stop()
    await supervisor.stop(Date.now() + drainSeconds * 1000)
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
  const url = urlOf(config.host, port)
  log.info({ url, threads: config.threads, preset: config.preset, version }, 'listening')
  const close = async (drainSeconds: number): Promise<void> => {
    log.info({ drainSeconds }, 'stopping')
    await stop(drainSeconds)
    log.info('stopped')
  }
  let closed: Promise<void> | undefined
  return {
    port,
    url,
    failed,
    close: (drainSeconds = config.drainSeconds) => (closed ??= close(drainSeconds)),
  }
}

/** The Redis that events come from, or that the status goes to. */
function openRedis(config: Config, log: Logger, hub: Hub): RedisSource | undefined {
  const isUsed = config.redisSubscriptions.length > 0 || config.statusReportSeconds > 0
  if (!isUsed) return undefined
  const redis = new RedisSource(config, log, hub.inlet, () => hub.tellState())
  // Where it only takes reports, events come without it.
  if (config.redisSubscriptions.length > 0) hub.sources.push(redis)
  return redis
}

/** @returns what ends the reports */
function reportToRedis(config: Config, log: Logger, hub: Hub, redis: RedisSource): () => void {
  const desk = new StatusDesk(config.nodeName, hub.startedAt, (ask) => hub.askStatus(ask))
  hub.onStatus = (answer) => desk.receive(answer)
  return reportStatus(
    config.statusReportSeconds,
    (done) => desk.open(done),
    (text) => redis.setField(config.statusReportKey, config.nodeName, text),
    log,
  )
}

function urlOf(host: string, port: number): string {
  if (host === '*' || host === '0.0.0.0' || host === '::') return `http://127.0.0.1:${port}`
  return host.includes(':') ? `http://[${host}]:${port}` : `http://${host}:${port}`
}
