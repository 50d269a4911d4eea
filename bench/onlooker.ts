// Who looks at the server while it is measured: open admin pages, and a Prometheus. What a page asks
// for is what src/page/ asks for with all of its tables in view.
import { get, type IncomingMessage } from 'node:http'

/** How often a page reads its tables anew. */
const PAGE_PERIOD_MS = 2_000
const LISTS = ['connections.json?sort=lag_bytes&order=desc', 'topics.json', 'slow.json']

export interface Onlookers {
  /** Open admin pages. */
  readonly pages: number
  /** Of /metrics. */
  readonly scrapesPerSecond: number
}

function read(url: string, problems: string[]): Promise<void> {
  return new Promise((resolve) => {
    const done = (problem?: string): void => {
      if (problem !== undefined) problems.push(`${url}: ${problem}`)
      resolve()
    }
    const take = (response: IncomingMessage): void => {
      response.resume().on('close', () => {
        done(response.statusCode === 200 ? undefined : `${response.statusCode}`)
      })
    }
    get(url, take).on('error', (error) => done(error.message))
  })
}

/**
 * Looks until the returned function is called.
 * @returns what ends it. It throws where the server answered something else than 200.
 */
export function look(url: string, { pages, scrapesPerSecond }: Onlookers): () => Promise<void> {
  const problems: string[] = []
  const pending = new Set<Promise<void>>()
  const timers: NodeJS.Timeout[] = []
  const every = (periodMs: number, path: string): void => {
    let isAsking = false
    const ask = async (): Promise<void> => {
      // As a page and Prometheus do, never two at once.
      if (isAsking) return
      isAsking = true
      await read(new URL(path, url).href, problems)
      isAsking = false
    }
    const start = (): void => {
      const asked = ask()
      pending.add(asked)
      void asked.then(() => pending.delete(asked))
    }
    timers.push(setInterval(start, periodMs))
  }
  const streams = Array.from({ length: pages }, () => {
    for (const list of LISTS) every(PAGE_PERIOD_MS, `/admin/${list}`)
    return get(new URL('/admin/events', url), (response) => response.resume()).on('error', () => {})
  })
  if (scrapesPerSecond > 0) every(1000 / scrapesPerSecond, '/metrics')
  return async () => {
    for (const timer of timers) clearInterval(timer)
    await Promise.all(pending)
    for (const stream of streams) stream.destroy()
    if (problems.length > 0) throw new Error(problems[0])
  }
}
