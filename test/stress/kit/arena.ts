// Where a scenario takes place: a server that runs, the fleet of its subscribers, its publishers,
// and the watch. What is violated anywhere ends whatever the scenario waits for. Main thread.
import { setTimeout as pause } from 'node:timers/promises'
import type { Server } from '../../kit/launch.ts'
import { until } from '../../kit/until.ts'
import { Fleet } from './fleet.ts'
import type { ChurnTask, CrowdTask, Manner, Pace } from './message.ts'
import { AUTHORS_MAX } from './order.ts'
import { ALL_EVENTS, Press, type PublishOptions } from './press.ts'
import { Violation, type ViolationName } from './violation.ts'
import { type Bounds, Watch } from './watch.ts'

/** What any wait may take, unless it is told otherwise: no machine is that slow. */
const WAIT_MS = 90_000
/** A process that has closed its connections is gone within this, if it goes. */
const GONE_MS = 500
const OF_CONNECTIONS = new Set<ViolationName>(['answer', 'closed', 'refused', 'health'])

export interface ArenaOptions {
  readonly bounds: Bounds
  /** What subscribers ask for; each thread has a witness of each, which stays to the end. */
  readonly paths?: readonly string[]
  readonly threads?: number
  /** Witnesses of each path and thread. More than one where a shard, and all of its own, may die. */
  readonly witnesses?: number
  /** The smallest event that is published. */
  readonly eventBytesMin?: number
  /** Publishers in all, over the whole scenario. */
  readonly authors?: number
  /** Connections may be cut by what the scenario does: publishers' and subscribers'. */
  readonly mayBeCut?: boolean
  /** Within which what was answered 200 has come, and memory and open files come back, in ms. */
  readonly patienceMs?: number
  readonly seed: number
}

export interface CrowdOptions {
  readonly crowd: string
  readonly count: number
  readonly path?: string
  readonly pace?: Pace
  readonly mayEnd?: boolean
}

export class Arena {
  readonly server: Server
  readonly watch: Watch
  readonly fleet: Fleet
  readonly seed: number
  violation: Violation | undefined
  isStopped = false
  readonly #paths: readonly string[]
  readonly #mayBeCut: boolean
  readonly #patienceMs: number
  readonly #witnesses: number
  readonly #threads: number
  readonly #press: Press
  readonly #crowds = new Set<string>()

  constructor(server: Server, options: ArenaOptions) {
    const { paths = [ALL_EVENTS], threads = 2, authors = 32, eventBytesMin = 150 } = options
    if (authors > AUTHORS_MAX) throw new RangeError(`at most ${AUTHORS_MAX} publishers`)
    this.server = server
    this.seed = options.seed
    this.#paths = paths
    this.#threads = threads
    this.#witnesses = options.witnesses ?? 1
    this.#mayBeCut = options.mayBeCut ?? false
    this.#patienceMs = options.patienceMs ?? WAIT_MS
    const sent = new SharedArrayBuffer(authors * Int32Array.BYTES_PER_ELEMENT)
    const report = this.#report.bind(this)
    this.watch = new Watch(server, options.bounds, report)
    const task = { port: server.port, paths, authors, eventBytesMin, sent }
    this.fleet = new Fleet(task, threads, report)
    const { port } = server
    const mayBeCut = this.#mayBeCut
    const least = this.fleet.least.bind(this.fleet)
    this.#press = new Press({ port, paths, mayBeCut, least, sent: new Int32Array(sent) }, report)
  }

  /** Each thread must see everything from the first event on. */
  async begin(): Promise<void> {
    for (const [index, path] of this.#paths.entries()) {
      await this.open({ crowd: `witness${index}`, path, count: this.#witnesses * this.#threads })
    }
  }

  /** Resolves when all of them have their streams. */
  async open({ crowd, count, path, pace = 'prompt', mayEnd }: CrowdOptions): Promise<void> {
    this.#crowds.add(crowd)
    const task: Omit<CrowdTask, 'first'> = {
      crowd,
      count,
      selection: this.#selectionOf(path),
      pace,
      mayEnd: mayEnd ?? (pace !== 'prompt' || this.#mayBeCut),
    }
    await this.#answered(this.fleet.enter(task), `${count} of ${crowd} subscribe`)
  }

  async leave(crowd: string, manner: Manner = 'close'): Promise<void> {
    await this.#answered(this.fleet.leave(crowd, manner), `${crowd} leave`)
  }

  /** So many come at the rate, stay a while, and go. */
  async churn(options: {
    readonly crowd: string
    readonly visits: number
    readonly perSecond: number
    readonly stayMsMax: number
    readonly path?: string
  }): Promise<void> {
    const { path, ...visit } = options
    const task: Omit<ChurnTask, 'first'> = {
      ...visit,
      selection: this.#selectionOf(path),
      mayEnd: this.#mayBeCut,
      seed: this.seed,
    }
    // Three times what it takes on a machine that keeps up.
    const withinMs = WAIT_MS + (3000 * visit.visits) / visit.perSecond
    await this.#answered(this.fleet.churn(task), `${visit.visits} visits`, withinMs)
  }

  /** Publishers begin; they go on until `quiet` or the end. */
  publish(options: PublishOptions): void {
    this.#press.publish(options)
  }

  /** Events that were answered 200. */
  get accepted(): number {
    return this.#press.accepted
  }

  /** Requests that were answered 503. */
  get refused(): number {
    return this.#press.refused
  }

  /** Resolves when so many further events have been answered 200. Each further one has its time. */
  async published(count: number): Promise<void> {
    const goal = this.accepted + count
    while (this.accepted < goal) {
      const before = this.accepted
      await this.until(() => this.accepted > before, `event ${before} of ${goal} is accepted`)
    }
  }

  /** Publishers end, each after its last answer. */
  async quiet(): Promise<void> {
    this.#press.stop()
    await this.until(() => this.#press.isQuiet, 'publishers have their last answers')
  }

  /** Publishers end; then everybody who reads must have all there was. */
  async settle(): Promise<void> {
    await this.quiet()
    const due = (): string | undefined => this.#press.undelivered(this.fleet.orders, 0)[0]
    try {
      await this.until(() => due() === undefined, 'all is delivered', this.#patienceMs)
    } catch (error) {
      throw this.violation ?? new Violation('undelivered', due() ?? `${error}`)
    }
    const accepted = this.#paths.map((path) => this.#press.acceptedOf(path))
    const ask = this.fleet.settle(accepted)
    try {
      await this.until(() => this.fleet.isAnswered(ask), 'all have it all', this.#patienceMs)
    } catch (error) {
      throw this.violation ?? new Violation('lost', this.fleet.waitsFor ?? `${error}`)
    }
  }

  /** Everybody leaves; memory and open files must come back. */
  async rest({ restingMiBMax }: Bounds, descriptors: number): Promise<void> {
    for (const crowd of this.#crowds) await this.leave(crowd)
    const { watch } = this
    await this.#comeBack('descriptors', () => watch.descriptors, descriptors, 'open files')
    await this.#comeBack('memory', () => Math.round(watch.residentMiB), restingMiBMax, 'MiB')
  }

  /** SIGTERM, whatever goes on; it must end with 0. Who reads must have everything then: `settle`. */
  async stop(): Promise<void> {
    await this.#answered(this.fleet.expectEnd(), 'the threads know of the end')
    this.isStopped = true
    this.watch.expectEnd()
    let how: number | NodeJS.Signals | undefined
    void this.server.stop().then((code) => {
      how = code
    })
    await this.until(() => how !== undefined, 'the server ends at SIGTERM')
    if (how !== 0) this.#report('exit', `expected exit code 0 at SIGTERM, got ${how}`)
    this.check()
  }

  /** What a scenario finds out by itself. */
  must(isSo: boolean, what: string): void {
    if (!isSo) this.#report('expected', what)
    this.check()
  }

  /** Log lines that say so of subscribers of a crowd whom the server closed for being slow. */
  slowClosed(crowd: string): number {
    const { log } = this.server
    const mark = `"userAgent":"${crowd}-`
    return log.filter((line) => line.includes('slow subscriber') && line.includes(mark)).length
  }

  /** Waits for a condition; a violation ends the waiting at once. */
  async until(
    condition: () => boolean | Promise<boolean>,
    what: string,
    withinMs = WAIT_MS,
  ): Promise<void> {
    const checked = (): boolean | Promise<boolean> => {
      this.check()
      return condition()
    }
    try {
      await until(checked, what, withinMs)
    } catch (error) {
      throw this.violation ?? new Violation('waited', (error as Error).message)
    }
  }

  /** Throws what was violated first. */
  check(): void {
    this.watch.readLog()
    const late = this.#press.undelivered(this.fleet.orders, this.#patienceMs)[0]
    if (late !== undefined && !this.isStopped) this.#report('undelivered', late)
    if (this.violation !== undefined) throw this.violation
  }

  /** A process that is gone explains what its connections and answers showed. */
  async explain(error: unknown): Promise<unknown> {
    if (!(error instanceof Violation)) return this.violation ?? error
    if (this.isStopped) return error
    const { violation, detail } = error
    if (!OF_CONNECTIONS.has(violation)) return error
    const how = await Promise.race([this.server.ended, pause(GONE_MS)])
    if (how !== undefined) return this.watch.ended(how)
    const name = /^subscriber (\S+)/.exec(detail)?.[1]
    const line = this.server.log.find((line) => line.includes(`"userAgent":"${name}"`))
    return line === undefined ? error : new Violation(violation, `${detail}; the log says: ${line}`)
  }

  /** Whatever happened: nothing of it is left. */
  async end(): Promise<void> {
    this.watch.expectEnd()
    this.watch.stop()
    this.#press.stop()
    await this.fleet.stop()
    this.server.process.kill('SIGKILL')
    await this.server.ended
  }

  #report(name: ViolationName, detail: string): void {
    this.violation ??= new Violation(name, detail)
  }

  #selectionOf(path = this.#paths[0] as string): number {
    const selection = this.#paths.indexOf(path)
    if (selection === -1) throw new RangeError(`${path} is not among the scenario's paths`)
    return selection
  }

  async #answered(ask: number, what: string, withinMs?: number): Promise<void> {
    await this.until(() => this.fleet.isAnswered(ask), what, withinMs)
  }

  async #comeBack(
    name: ViolationName,
    now: () => number,
    most: number,
    unit: string,
  ): Promise<void> {
    const what = `to be back at ${most} ${unit} when all have left`
    try {
      await this.until(() => now() <= most, what, this.#patienceMs)
    } catch {
      throw this.violation ?? new Violation(name, `expected ${what}, got ${now()}`)
    }
  }
}
