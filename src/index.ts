// The library: start a dispatcher, stop it. Signals, exit codes and output belong to main.ts.
import { setHeaderLimit } from './config/header-limit.ts'
import type { Config } from './config/option.ts'
import { resolveConfig } from './config/parse.ts'
import { CarillonError } from './error.ts'
import { probeAddress } from './hub/probe.ts'
import { Supervisor } from './hub/supervisor.ts'
import { watchThread } from './ops/figures.ts'
import { createLog } from './ops/log.ts'
import { version } from './ops/version.ts'

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
 * @throws CarillonError for a bad option, a port in use, a shard that cannot start
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
  const failed = new Promise<CarillonError>((resolve) => {
    supervisor.onFailure = resolve
  })
  const stop = async (drainSeconds: number): Promise<void> => {
    log.info({ drainSeconds }, 'stopping')
    await supervisor.stop(Date.now() + drainSeconds * 1000)
    figures.stop()
    log.info('stopped')
  }
  try {
    await supervisor.start()
  } catch (error) {
    await stop(0)
    throw error
  }
  const url = urlOf(config.host, port)
  log.info({ url, threads: config.threads, preset: config.preset, version }, 'listening')
  let stopped: Promise<void> | undefined
  return {
    port,
    url,
    failed,
    close: (drainSeconds = config.drainSeconds) => (stopped ??= stop(drainSeconds)),
  }
}

function urlOf(host: string, port: number): string {
  if (host === '*' || host === '0.0.0.0' || host === '::') return `http://127.0.0.1:${port}`
  return host.includes(':') ? `http://[${host}]:${port}` : `http://${host}:${port}`
}
