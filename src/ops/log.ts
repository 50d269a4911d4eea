// Structured log lines, JSON on standard error: standard output is for the address only.
// Any thread makes its own; lines are written whole, so threads do not mix.
import { type Logger, pino } from 'pino'
import type { Config } from '../config/option.ts'

/** @param bindings what stands in each line, such as the shard's number */
export function createLog(level: Config['logLevel'], bindings: Record<string, unknown>): Logger {
  const options = { level, base: bindings, timestamp: pino.stdTimeFunctions.isoTime }
  return pino(options, pino.destination({ fd: 2, sync: true }))
}
