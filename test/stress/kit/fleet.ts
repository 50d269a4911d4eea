// The subscribers of a scenario, seen from the main thread: threads of them that open, leave and
// report, and one order for each path that the threads' orders are held against.
import type { Worker } from 'node:worker_threads'
import { startThread } from '../../../bench/load/thread.ts'
import type { ChurnTask, CrowdTask, FromReaders, Manner, ReaderTask, ToReaders } from './message.ts'
import { COUNT_MAX, Follower, Order } from './order.ts'
import type { Report } from './violation.ts'

const ENTRY = new URL('crowd.ts', import.meta.url)

interface ReaderThread {
  readonly worker: Worker
  readonly followers: readonly Follower[]
  deliveries: number
  open: number
  ended: number
  least: readonly Int32Array[]
  waitsFor: string | undefined
}

export class Fleet {
  /** By selection, as in the task's paths. */
  readonly orders: readonly Order[]
  readonly #threads: ReaderThread[]
  readonly #report: Report
  /** Threads that have yet to answer, by ask. */
  readonly #asks = new Map<number, number>()
  #lastAsk = 0
  #isStopped = false
  readonly #numbers = new Map<string, number>()

  constructor(task: Omit<ReaderTask, 'thread'>, threads: number, report: Report) {
    this.#report = report
    this.orders = task.paths.map(() => new Order())
    this.#threads = Array.from({ length: threads }, (_, thread) => this.#start(task, thread))
  }

  get deliveries(): number {
    return this.#threads.reduce((sum, { deliveries }) => sum + deliveries, 0)
  }

  get open(): number {
    return this.#threads.reduce((sum, { open }) => sum + open, 0)
  }

  get ended(): number {
    return this.#threads.reduce((sum, { ended }) => sum + ended, 0)
  }

  get waitsFor(): string | undefined {
    return this.#threads.find(({ waitsFor }) => waitsFor !== undefined)?.waitsFor
  }

  /** How many of an author's events all prompt readers of a selection have, as of the last tick. */
  least(selection: number, author: number): number {
    let least = COUNT_MAX
    for (const thread of this.#threads) {
      least = Math.min(least, thread.least[selection]?.[author] ?? 0)
    }
    return least
  }

  /** Each ask has a number; it is answered when every thread has. */
  isAnswered(ask: number): boolean {
    return !this.#asks.has(ask)
  }

  /** The threads share the crowd. */
  enter(task: Omit<CrowdTask, 'first'>): number {
    return this.#askEach((ask, share) => {
      const { count, first } = share(task.crowd, task.count)
      return { type: 'open', ask, task: { ...task, count, first } }
    })
  }

  churn(task: Omit<ChurnTask, 'first'>): number {
    const perSecond = task.perSecond / this.#threads.length
    let { seed } = task
    return this.#askEach((ask, share) => {
      const { count, first } = share(task.crowd, task.visits)
      return {
        type: 'churn',
        ask,
        task: { ...task, visits: count, first, perSecond, seed: seed++ },
      }
    })
  }

  leave(crowd: string, manner: Manner): number {
    return this.#askEach((ask) => ({ type: 'leave', ask, crowd, manner }))
  }

  settle(accepted: readonly Int32Array[]): number {
    return this.#askEach((ask) => ({ type: 'settle', ask, accepted }))
  }

  expectEnd(): number {
    return this.#askEach((ask) => ({ type: 'expectEnd', ask }))
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()))
  }

  #start(task: Omit<ReaderTask, 'thread'>, thread: number): ReaderThread {
    const worker = startThread(ENTRY, { ...task, thread })
    const none = new Int32Array(task.authors)
    const followers = this.orders.map((order, selection) => {
      const name = `thread ${thread}, of whose subscribers of ${task.paths[selection]} the first,`
      return new Follower(order, name, none, this.#report)
    })
    const least: readonly Int32Array[] = []
    const nothing = { deliveries: 0, open: 0, ended: 0, least, waitsFor: undefined }
    const state: ReaderThread = { worker, followers, ...nothing }
    worker.on('message', (message: FromReaders) => this.#receive(state, message))
    worker.on('error', (error) => this.#report('waited', `thread ${thread}: ${error.stack}`))
    return state
  }

  #receive(thread: ReaderThread, message: FromReaders): void {
    if (this.#isStopped) return
    if (message.type === 'violation') this.#report(message.violation, message.detail)
    else if (message.type === 'answer') {
      const left = (this.#asks.get(message.ask) ?? 0) - 1
      if (left > 0) this.#asks.set(message.ask, left)
      else this.#asks.delete(message.ask)
    } else {
      thread.deliveries = message.deliveries
      thread.open = message.open
      thread.ended = message.ended
      thread.waitsFor = message.waitsFor
      thread.least = message.least
      for (const [selection, events] of message.orders.entries()) {
        const follower = thread.followers[selection] as Follower
        for (const event of events) follower.take(event)
        follower.tick()
      }
    }
  }

  #askEach(
    messageOf: (
      ask: number,
      share: (crowd: string, count: number) => { count: number; first: number },
    ) => ToReaders,
  ): number {
    const ask = ++this.#lastAsk
    const threads = this.#threads.length
    this.#asks.set(ask, threads)
    for (const [thread, { worker }] of this.#threads.entries()) {
      const share = (crowd: string, total: number): { count: number; first: number } => {
        const count = Math.floor((total + threads - 1 - thread) / threads)
        const first = this.#numbers.get(crowd) ?? 0
        this.#numbers.set(crowd, first + count)
        return { count, first }
      }
      worker.postMessage(messageOf(ask, share))
    }
    return ask
  }
}
