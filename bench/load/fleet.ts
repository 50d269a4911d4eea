// The threads of the load client, seen from the main thread: subscribers that connect, wait and
// report, and a publisher. Their other ends are subscriber.ts and publisher.ts.
import { once } from 'node:events'
import type { Worker } from 'node:worker_threads'
import {
  BYTES,
  COUNTERS,
  DELIVERIES,
  type FromSubscribers,
  type OpenReport,
  type PublisherReport,
  type PublisherTask,
  type Schedule,
  type Selection,
  type SubscriberReport,
  type SubscriberTask,
  type ToSubscribers,
} from './message.ts'
import { startThread } from './thread.ts'

function start(file: string, task: SubscriberTask | PublisherTask): Worker {
  return startThread(new URL(file, import.meta.url), task)
}

/** The next message of a thread; rejects with its error where it ends by one. */
async function messageOf<T>(thread: Worker): Promise<T> {
  const [message] = await once(thread, 'message')
  return message as T
}

/** Publishes by the task's schedule. */
export async function publish(task: PublisherTask): Promise<PublisherReport> {
  const thread = start('publisher.ts', task)
  const report = await messageOf<PublisherReport>(thread)
  await thread.terminate()
  return report
}

/** What one of so many threads has of a selection. */
function shareOf(selection: Selection, thread: number, threads: number): Selection {
  return { ...selection, count: Math.floor((selection.count + threads - 1 - thread) / threads) }
}

export class SubscriberFleet {
  readonly #threads: Worker[] = []
  readonly #counters: Float64Array[] = []

  private constructor(task: Omit<SubscriberTask, 'counters'>, threads: number) {
    for (let thread = 0; thread < threads; thread++) {
      const counters = new SharedArrayBuffer(COUNTERS * Float64Array.BYTES_PER_ELEMENT)
      this.#counters.push(new Float64Array(counters))
      const selections = task.selections.map((selection) => shareOf(selection, thread, threads))
      const stalled = Math.floor((task.stalled + threads - 1 - thread) / threads)
      this.#threads.push(start('subscriber.ts', { ...task, selections, stalled, counters }))
    }
  }

  /** @param threads how many threads share the subscribers */
  static async start(
    task: Omit<SubscriberTask, 'counters'>,
    threads: number,
  ): Promise<SubscriberFleet> {
    const fleet = new SubscriberFleet(task, threads)
    await fleet.#answers()
    return fleet
  }

  /**
   * Connects all of them.
   * @returns ms until the last had its first byte; undefined where the server sends none yet
   */
  async connect(): Promise<number | undefined> {
    this.#tell({ type: 'connect' })
    const reports = await this.#answers<OpenReport>()
    const refusal = reports.find((report) => report.refusal !== undefined)?.refusal
    if (refusal !== undefined) throw new Error(`cannot subscribe: ${refusal}`)
    const times = reports.map(({ untilLastUs }) => untilLastUs)
    return times.every((us) => us !== undefined) ? Math.max(...times) / 1000 : undefined
  }

  schedule(schedule: Schedule): void {
    this.#tell({ type: 'schedule', schedule })
  }

  get deliveries(): number {
    return this.#sum(DELIVERIES)
  }

  get bytes(): number {
    return this.#sum(BYTES)
  }

  /** What each thread counted; all connections are closed. */
  async finish(): Promise<SubscriberReport[]> {
    this.#tell({ type: 'finish' })
    return this.#answers<SubscriberReport>()
  }

  /** Ends the threads, whatever they do. Safe to call at any time. */
  async stop(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.terminate()))
  }

  #tell(message: ToSubscribers): void {
    for (const thread of this.#threads) thread.postMessage(message)
  }

  #answers<T extends FromSubscribers>(): Promise<T[]> {
    return Promise.all(this.#threads.map((thread) => messageOf<T>(thread)))
  }

  #sum(counter: number): number {
    return this.#counters.reduce((sum, counters) => sum + (counters[counter] ?? 0), 0)
  }
}
