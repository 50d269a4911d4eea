// Structured log lines, JSON on standard error: standard output is for the address only.
// Any thread makes its own; a line is one write, so threads do not mix.
import { type Logger, pino } from 'pino'
import type { Config } from '../config/option.ts'
import { LineWriter, writeStandardError } from './line-writer.ts'

/** @param bindings what stands in each line, such as the shard's number */
export function createLog(level: Config['logLevel'], bindings: Record<string, unknown>): Logger {
  const options = { level, base: bindings, timestamp: pino.stdTimeFunctions.isoTime }
  const writer = new LineWriter(writeStandardError, (dropped) => {
    log.warn({ dropped }, 'log lines dropped, as standard error did not take them')
  })
  const log = pino(options, writer)
  return log
}
