// A publisher of the harness: one request at a time, its events numbered without a gap. What is
// refused with 503 is sent again, so subscribers may expect every number. Main thread.
import { setTimeout as pause } from 'node:timers/promises'
import { eventText, putNumber } from '../../../bench/load/stamp.ts'
import { PostConnection } from '../../kit/publisher.ts'
import { post } from '../../kit/raw.ts'
import { COUNT_MAX, eventOf, nameOf } from './order.ts'
import type { Report } from './violation.ts'

/** Sooner than `Retry-After` asks for: a flood is what is wanted. */
const RETRY_MS = 50
const AHEAD_MS = 10
const NDJSON = 'Content-Type: application/x-ndjson\r\n'
const BEFORE = '{"data":'

export interface AuthorTask {
  readonly port: number
  /** `/api/events`, `/publish/topic`. */
  readonly path: string
  readonly bytes: number
  /** Events in a request; more than one are NDJSON. */
  readonly batch: number
  /** Between two requests; 0 is as fast as answers come. */
  readonly periodMs: number
  /** Events that it may have sent and some prompt reader not had: then it waits until all have all. */
  readonly aheadMax: number
  /** A connection may end before its answer: the author then ends too. */
  readonly mayBeCut: boolean
}

export class Author {
  readonly number: number
  readonly path: string
  /** Events that were answered 200. */
  accepted = 0
  /** Requests that were answered 503. */
  refused = 0
  /** Its last request has no answer and may have been taken or not. */
  isCut = false
  readonly #task: AuthorTask
  readonly #least: () => number
  readonly #report: Report
  readonly #sent: Int32Array
  readonly #body: Buffer
  isStopped = false

  /**
   * @param sent of each author, how many events it has begun to send: written before each
   * @param least how many of its events all prompt readers have
   */
  constructor(
    number: number,
    task: AuthorTask,
    sent: Int32Array,
    least: () => number,
    report: Report,
  ) {
    this.#least = least
    this.number = number
    this.path = task.path
    this.#task = task
    this.#sent = sent
    this.#report = report
    const text = eventText(task.bytes)
    const line = `${BEFORE}${text}}\n`
    this.#body = Buffer.from(task.batch > 1 ? line.repeat(task.batch) : text)
  }

  stop(): void {
    this.isStopped = true
  }

  async run(): Promise<void> {
    const { batch, periodMs } = this.#task
    let connection = await this.#connect()
    let dueMs = performance.now()
    while (connection !== undefined && !this.isStopped) {
      if (periodMs > 0) {
        const earlyMs = dueMs - performance.now()
        if (earlyMs > 1) await pause(earlyMs)
        dueMs += periodMs
        if (this.isStopped) break
      }
      if (this.accepted - this.#least() >= this.#task.aheadMax) await this.#awaitReaders()
      if (this.isStopped) break
      const head = await connection.ask(this.#request())
      const status = head?.slice(9, 12)
      if (status === '200') this.accepted += batch
      else if (head !== undefined && status === '503') await this.#refused(head)
      else {
        this.#fail(head)
        connection = undefined
      }
    }
    connection?.close()
  }

  async #awaitReaders(): Promise<void> {
    while (this.accepted > this.#least() && !this.isStopped) await pause(AHEAD_MS)
  }

  #request(): Buffer {
    const { path, batch, bytes } = this.#task
    if (this.accepted + batch > COUNT_MAX) throw new RangeError('out of numbers')
    for (let index = 0; index < batch; index++) {
      const at = batch === 1 ? 0 : index * (BEFORE.length + bytes + 2) + BEFORE.length
      putNumber(this.#body, at, eventOf(this.number, this.accepted + index))
    }
    this.#sent[this.number] = this.accepted + batch
    return post(path, this.#body, batch > 1 ? NDJSON : '')
  }

  async #refused(head: string): Promise<void> {
    this.refused++
    if (!/\r\nRetry-After: \d+\b/i.test(head))
      this.#report('answer', `503 without Retry-After: ${head}`)
    if (/\r\nConnection: close\b/i.test(head)) this.stop()
    else await pause(RETRY_MS)
  }

  /** Where connections may be cut, somebody will listen again. */
  async #connect(): Promise<PostConnection | undefined> {
    const { port, mayBeCut } = this.#task
    while (!this.isStopped) {
      const connection = await PostConnection.open(port)
      if (connection !== undefined) return connection
      if (!mayBeCut) {
        this.#report('answer', `publisher ${this.number} could not connect`)
        return undefined
      }
      await pause(RETRY_MS)
    }
    return undefined
  }

  /** @param head of an answer that is neither 200 nor 503; undefined where the connection ended */
  #fail(head: string | undefined): void {
    this.isCut = head === undefined
    if (this.isCut && this.#task.mayBeCut) return
    const event = nameOf(eventOf(this.number, this.accepted))
    const got = head ?? 'the connection ended'
    this.#report('answer', `POST ${this.path} of ${event} expected 200 or 503, got: ${got}`)
  }
}
