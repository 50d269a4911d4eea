// Sends shapes to a server, many at a time, and holds what must hold: each connection is answered or
// closed, good requests are served meanwhile, and nothing that hides in a body is ever carried out.
import { connect } from 'node:net'
import { RawSubscriber } from '../kit/subscriber.ts'
import { until } from '../kit/until.ts'
import { MARKER, type Shape, shapeOf } from './shape.ts'

/** Connections at a time: a malformed head that uWebSockets.js waits for takes it 10 s. */
const AT_A_TIME = 400
/** What the server neither answers nor closes within this hangs, in ms; so with what it must deliver. */
const PATIENCE_MS = 30_000
/** The good request of another connection must be answered within this, in ms. */
const GOOD_MS_MAX = 10_000
const GOOD_PERIOD_MS = 50

export interface Target {
  readonly port: number
  /** It lives. */
  isAlive(): boolean
  /** Instead of PATIENCE_MS. */
  readonly patienceMs?: number
}

export interface FuzzFigures {
  readonly cases: number
  /** By the status that came first; 0 where the connection was closed without an answer. */
  readonly statuses: ReadonlyMap<number, number>
  readonly slowestMs: number
  readonly slowestGoodMs: number
  readonly events: number
}

/** An event that is nothing but what hid: as a part of another's data it is harmless. */
const HIDDEN = new RegExp(`^${MARKER}(\\d+)$`)

/** What must hold does not, with what repeats it. */
export class FuzzFault extends Error {
  override readonly name = 'FuzzFault'
}

interface Outcome {
  readonly status: number
  readonly text: string
  readonly ms: number
}

function shown({ bytes }: Shape): string {
  return JSON.stringify(bytes.toString('latin1').slice(0, 400))
}

/** Sends one, and waits for an answer or an end. */
function send(
  { port, patienceMs = PATIENCE_MS }: Target,
  shape: Shape,
): Promise<Outcome | 'hangs'> {
  const begun = performance.now()
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.setNoDelay(true)
    let text = ''
    const done = (): void => {
      clearTimeout(timer)
      socket.destroy()
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0)
      resolve({ status, text, ms: performance.now() - begun })
    }
    const timer = setTimeout(() => {
      socket.destroy()
      resolve('hangs')
    }, patienceMs)
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      // An interim answer is none yet; a stream has no end of its own.
      if (/^HTTP\/1\.1 100/.test(text) && !/\r\n\r\nHTTP/.test(text)) return
      if (text.includes('\r\n\r\n')) setTimeout(done, 20)
    })
    socket.on('error', done)
    socket.on('close', done)
    socket.on('end', done)
    socket.on('connect', () => {
      const finish = (): void => {
        if (shape.end === 'finish') socket.end()
        else if (shape.end === 'reset') setTimeout(() => socket.resetAndDestroy(), 5)
      }
      if (shape.isDripped && shape.bytes.length < 400) drip(0)
      else socket.write(shape.bytes, finish)
      function drip(at: number): void {
        if (socket.destroyed) return
        if (at === shape.bytes.length) finish()
        else socket.write(shape.bytes.subarray(at, at + 1), () => setImmediate(drip, at + 1))
      }
    })
  })
}

/** Asks for /health on a connection of its own, again and again, until it is stopped. */
function askMeanwhile(
  port: number,
  fault: (what: string) => void,
): { stop(): void; slowestMs(): number } {
  let slowest = 0
  let isStopped = false
  const ask = async (): Promise<void> => {
    while (!isStopped) {
      const begun = performance.now()
      const signal = AbortSignal.timeout(GOOD_MS_MAX)
      const options = { signal, headers: { Connection: 'close' } }
      await fetch(`http://127.0.0.1:${port}/health`, options).then(
        async (answer) => {
          await answer.text()
          if (answer.status !== 200) fault(`a good request got ${answer.status}`)
        },
        (error: Error) => {
          if (!isStopped) fault(`a good request was not served: ${error.message}`)
        },
      )
      slowest = Math.max(slowest, performance.now() - begun)
      await new Promise((resolve) => setTimeout(resolve, GOOD_PERIOD_MS))
    }
  }
  void ask()
  return {
    stop: () => {
      isStopped = true
    },
    slowestMs: () => slowest,
  }
}

/**
 * Runs the cases of these numbers.
 * @throws FuzzFault with seed, number and bytes of the first one after which something did not hold
 */
export async function fuzz(
  target: Target,
  seed: number,
  numbers: readonly number[],
  tell: (done: number) => void = () => {},
): Promise<FuzzFigures> {
  const { port, patienceMs = PATIENCE_MS } = target
  const faults: string[] = []
  const watcher = await new RawSubscriber(port, '/subscribe/').opened()
  const good = askMeanwhile(port, (what) => faults.push(what))
  const statuses = new Map<number, number>()
  let slowestMs = 0
  let next = 0
  let accepted = 0
  /** Events of the watcher that were looked at. */
  let seen = 0

  const one = async (number: number): Promise<void> => {
    const shape = shapeOf(seed, number)
    const outcome = await send(target, shape)
    const where = `${shape.kind}, seed ${seed}, case ${number}: ${shown(shape)}`
    if (outcome === 'hangs') faults.push(`neither answered nor closed: ${where}`)
    else {
      const { status, text, ms } = outcome
      slowestMs = Math.max(slowestMs, ms)
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
      if (status >= 500 && status !== 505) faults.push(`answered ${status}: ${where}`)
      if (/\bat .*:\d+:\d+|node_modules|\/src\//.test(text)) faults.push(`shows a stack: ${where}`)
      if (shape.kind === 'body' && status === 200 && shape.end !== 'reset') accepted++
    }
    for (; seen < watcher.events.length; seen++) {
      const [, hidden] = HIDDEN.exec(watcher.events[seen] as string) ?? []
      if (hidden === undefined) continue
      const bytes = shown(shapeOf(seed, Number(hidden)))
      faults.push(`carried out what was hidden: smuggling, seed ${seed}, case ${hidden}: ${bytes}`)
    }
    if (!target.isAlive()) faults.push(`it died: ${where}`)
    else if (watcher.isClosed) faults.push(`closed a subscriber of another connection: ${where}`)
  }
  const worker = async (): Promise<void> => {
    while (faults.length === 0) {
      const number = numbers[next++]
      if (number === undefined) return
      await one(number)
      if (next % 1000 === 0) tell(next)
    }
  }
  try {
    await Promise.all(Array.from({ length: AT_A_TIME }, worker))
    if (faults.length === 0) {
      await until(
        () => watcher.events.length >= accepted,
        'what was answered 200 comes',
        patienceMs,
      )
    }
  } finally {
    good.stop()
    watcher.close()
  }
  const slowestGoodMs = good.slowestMs()
  const [first] = faults
  if (first !== undefined) throw new FuzzFault(first)
  return {
    cases: numbers.length,
    statuses,
    slowestMs,
    slowestGoodMs,
    events: watcher.events.length,
  }
}
