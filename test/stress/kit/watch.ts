// Looks at the server process all the while: memory, open files, its log, /health, and that it
// lives. Main thread of the harness.
import { readdirSync, statSync } from 'node:fs'
import { usageOf } from '../../../bench/usage.ts'
import { ask, get } from '../../kit/connection.ts'
import type { Server } from '../../kit/launch.ts'
import { type Report, Violation } from './violation.ts'

const LOOK_MS = 100
const COUNT_MS = 250
const HEALTH_MS = 200
/** pino's number for the level error; fatal is above it. */
const ERROR_LEVEL = 50
const MIB = 1024 * 1024

export interface Bounds {
  readonly residentMiBMax: number
  /** When all have left. */
  readonly restingMiBMax: number
  readonly descriptorsMax: number
  /** Longest answer of /health; generous, for the machine may be busy. */
  readonly healthMsMax?: number
  /** Its connection may be cut by what the scenario does. */
  readonly healthMayBeCut?: boolean
  /** What the log may have at the level error; without it, nothing. */
  readonly errors?: RegExp
}

const HEALTH_MS_MAX = 10_000

/**
 * Undefined where the process is gone. Linux tells their number since 6.2 (proc_pid_fd(5)); before,
 * they have to be listed, which takes 90 ms for 16,000.
 */
function descriptorsOf(pid: number): number | undefined {
  const folder = `/proc/${pid}/fd`
  try {
    return statSync(folder).size || readdirSync(folder).length
  } catch {
    return undefined
  }
}

export class Watch {
  residentMiB = 0
  descriptors = 0
  peakResidentMiB = 0
  peakDescriptors = 0
  healthMsMax = 0
  /** Resident memory, look by look. */
  readonly samples: number[] = []
  readonly #server: Server
  readonly #bounds: Bounds
  readonly #report: Report
  readonly #timers: NodeJS.Timeout[]
  #linesRead = 0
  #isAsking = false
  #mayEnd = false

  constructor(server: Server, bounds: Bounds, report: Report) {
    this.#server = server
    this.#bounds = bounds
    this.#report = report
    this.#timers = [
      setInterval(() => this.#look(), LOOK_MS),
      setInterval(() => this.#count(), COUNT_MS),
      setInterval(() => void this.#askHealth(), HEALTH_MS),
    ]
    void server.ended.then((how) => {
      if (!this.#mayEnd) report('exit', this.ended(how).detail)
    })
    this.#look()
    this.#count()
  }

  /** What is to be said of a server that has ended by itself. */
  ended(how: number | NodeJS.Signals): Violation {
    const log = this.#server.log.slice(-3).join('\n')
    return new Violation('exit', `the server ended by itself with ${how}; its log ends: ${log}`)
  }

  /** The process may end, and need not answer any more. */
  expectEnd(): void {
    this.#mayEnd = true
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer)
    this.readLog()
  }

  readLog(): void {
    const { log } = this.#server
    while (this.#linesRead < log.length) {
      const line = log[this.#linesRead++] as string
      if (isError(line) && this.#bounds.errors?.test(line) !== true) {
        this.#report('log', `expected no error in the log, got: ${line}`)
      }
    }
  }

  #look(): void {
    this.readLog()
    const usage = usageOf(this.#server.process.pid)
    if (usage === undefined) return
    this.residentMiB = usage.residentBytes / MIB
    this.samples.push(this.residentMiB)
    this.peakResidentMiB = Math.max(this.peakResidentMiB, this.residentMiB)
    const { residentMiBMax } = this.#bounds
    if (this.residentMiB > residentMiBMax) {
      const got = `${this.residentMiB.toFixed(1)} MiB`
      this.#report('memory', `expected at most ${residentMiBMax} MiB resident, got ${got}`)
    }
  }

  #count(): void {
    const descriptors = descriptorsOf(this.#server.process.pid as number)
    if (descriptors === undefined) return
    this.descriptors = descriptors
    this.peakDescriptors = Math.max(this.peakDescriptors, descriptors)
    const { descriptorsMax } = this.#bounds
    if (descriptors > descriptorsMax) {
      this.#report(
        'descriptors',
        `expected at most ${descriptorsMax} open files, got ${descriptors}`,
      )
    }
  }

  async #askHealth(): Promise<void> {
    if (this.#isAsking || this.#mayEnd) return
    this.#isAsking = true
    const { healthMsMax = HEALTH_MS_MAX } = this.#bounds
    const startMs = performance.now()
    const failure = await this.#health(healthMsMax)
    const tookMs = performance.now() - startMs
    this.#isAsking = false
    if (this.#mayEnd || (failure !== undefined && this.#bounds.healthMayBeCut)) return
    this.healthMsMax = Math.max(this.healthMsMax, tookMs)
    if (failure !== undefined || tookMs > healthMsMax) {
      const got = failure ?? `one after ${Math.round(tookMs)} ms`
      this.#report('health', `expected an answer of /health within ${healthMsMax} ms, got ${got}`)
    }
  }

  async #health(withinMs: number): Promise<string | undefined> {
    try {
      const { status } = await ask(this.#server.port, get('/health'), withinMs)
      return status === 200 ? undefined : `status ${status}`
    } catch (error) {
      return `${error}`
    }
  }
}

/** A line that is no JSON comes from nowhere that logs: a crash, or a warning of Node. */
function isError(line: string): boolean {
  try {
    const { level } = JSON.parse(line) as { level?: unknown }
    return typeof level !== 'number' || level >= ERROR_LEVEL
  } catch {
    return true
  }
}
