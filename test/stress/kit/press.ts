// All publishers of a scenario: what they were answered, and whether what was answered 200 has
// come to somebody. Main thread; the orders are the fleet's.
import { Author, type AuthorTask } from './author.ts'
import { eventOf, nameOf, type Order } from './order.ts'
import type { Report } from './violation.ts'

/** What `POST /api/events` goes to. */
export const ALL_EVENTS = '/events'

export interface PublishOptions {
  readonly path?: string
  readonly authors: number
  /** Events of all of them together; undefined is as fast as answers come. */
  readonly perSecond?: number
  /** Events of each that some reader may lack: no reader is closed because the machine is slow. */
  readonly aheadMax?: number
  readonly bytes?: number
  readonly batch?: number
}

export interface PressTask {
  readonly port: number
  /** What subscribers ask for. */
  readonly paths: readonly string[]
  readonly mayBeCut: boolean
  /** How many events of an author all prompt readers of a path, by its number, have. */
  readonly least: (selection: number, author: number) => number
  /** Of each author, how many events it has begun to send. */
  readonly sent: Int32Array
}

/** An event that was answered 200 and has not been seen yet. */
interface Due {
  readonly count: number
  readonly sinceMs: number
}

export class Press {
  readonly #task: PressTask
  readonly #report: Report
  readonly #authors: Author[] = []
  readonly #running = new Set<Promise<void>>()
  /** By selection, then by author. */
  readonly #dues: Due[][]

  constructor(task: PressTask, report: Report) {
    this.#task = task
    this.#report = report
    this.#dues = task.paths.map(() => [])
  }

  get accepted(): number {
    return this.#authors.reduce((sum, { accepted }) => sum + accepted, 0)
  }

  get refused(): number {
    return this.#authors.reduce((sum, { refused }) => sum + refused, 0)
  }

  get isQuiet(): boolean {
    return this.#running.size === 0
  }

  publish(options: PublishOptions): void {
    const { path = '/api/events', authors, perSecond, bytes = 150, batch = 1 } = options
    const { aheadMax = Number.POSITIVE_INFINITY } = options
    const { port, mayBeCut } = this.#task
    const periodMs = perSecond === undefined ? 0 : (1000 * authors * batch) / perSecond
    const task = { port, path, bytes, batch, periodMs, aheadMax, mayBeCut }
    for (let index = 0; index < authors; index++) this.#start(task)
  }

  /** Each ends after its last answer. */
  stop(): void {
    for (const author of this.#authors) author.stop()
  }

  /** What the subscribers of a path should have, of each author. */
  acceptedOf(path: string): Int32Array {
    const accepted = new Int32Array(this.#task.sent.length)
    for (const author of this.#authors) {
      if (isFor(author.path, path)) accepted[author.number] = author.accepted
    }
    return accepted
  }

  /** Says of events that were answered 200, so long ago, that they came to nobody. */
  undelivered(orders: readonly Order[], forMs: number): string[] {
    const now = performance.now()
    const late: string[] = []
    for (const [selection, path] of this.#task.paths.entries()) {
      const { last } = orders[selection] as Order
      const dues = this.#dues[selection] as Due[]
      for (const { number, path: posted, accepted } of this.#authors) {
        if (!isFor(posted, path)) continue
        const seen = (last[number] as number) + 1
        let due = dues[number]
        if (due === undefined || seen >= due.count) {
          due = { count: accepted, sinceMs: now }
          dues[number] = due
        }
        if (seen >= accepted || now - due.sinceMs < forMs) continue
        const event = nameOf(eventOf(number, seen))
        late.push(`${event} was answered 200, and no subscriber of ${path} has had it`)
      }
    }
    return late
  }

  /** A publisher whose connection was cut does not know what became of its event: another begins. */
  #start(task: AuthorTask): void {
    const number = this.#authors.length
    if (number === this.#task.sent.length) throw new RangeError('too few publishers were planned')
    const { paths, sent } = this.#task
    const selections = paths.flatMap((path, index) => (isFor(task.path, path) ? [index] : []))
    const least = (): number =>
      Math.min(...selections.map((selection) => this.#task.least(selection, number)))
    const author = new Author(number, task, sent, least, this.#report)
    this.#authors.push(author)
    const run = async (): Promise<void> => {
      try {
        await author.run()
        if (author.isCut && !author.isStopped) this.#start(task)
      } catch (error) {
        this.#report('waited', (error as Error).stack as string)
      }
    }
    const running = run().finally(() => this.#running.delete(running))
    this.#running.add(running)
  }
}

/** Does a subscriber of the path get what is posted to the other? */
function isFor(posted: string, path: string): boolean {
  const topic = posted === '/api/events' ? ALL_EVENTS : posted.replace(/^\/publish/, '')
  const asked = path === ALL_EVENTS ? ALL_EVENTS : path.replace(/^\/subscribe\/?/, '/')
  return asked === '/' || topic === asked || topic.startsWith(`${asked}/`)
}
