// The admin page in a browser: how a test opens it, and what it shows where.
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Browser, BrowserContextOptions } from 'playwright-core'
import { type Visit, visit } from './browser.ts'
import type { Server } from './server.ts'
import { RawSubscriber } from './subscriber.ts'

/** The state that the page names in its head. */
export const STATE = `document.getElementById('state').textContent`

/** The text of a chart's values, or of the note beside its title. */
export function chart(title: string, part: 'values' | 'note'): string {
  return `[...document.querySelectorAll('.chart')]
    .find((chart) => chart.querySelector('.title').textContent === '${title}')
    .querySelector('.${part}').textContent`
}

/** The first number in a text. */
export function numberIn(text: unknown): number {
  return Number(/[\d,.]+/.exec(`${text}`)?.[0].replaceAll(',', ''))
}

/** No error on the console, and no request to anybody else. */
export function assertClean({ errors, requests }: Visit, server: Server): void {
  assert.deepEqual(errors, [])
  assert.deepEqual(
    requests.filter((url) => !url.startsWith(`${server.url}/`) && !url.startsWith('data:')),
    [],
  )
}

export async function publish(
  server: Server,
  topic: string,
  data: string,
  query = '',
): Promise<void> {
  const path = `${server.url}/publish/${topic}${query}`
  const response = await fetch(path, { method: 'POST', body: data })
  assert.equal(response.status, 200, await response.text())
}

/** Some publishers that send until it is told to end; it tells how many were accepted. */
export function load(server: Server, topic: string, everyMs: number): { end(): Promise<number> } {
  let isOver = false
  let accepted = 0
  const running = (async () => {
    for (const began = performance.now(); !isOver; accepted++) {
      await publish(server, topic, 'x'.repeat(100))
      const due = began + accepted * everyMs
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())))
    }
  })()
  return {
    end: async () => {
      isOver = true
      await running
      return accepted
    },
  }
}

/** So many streams, of as many addresses; they end with the test. */
export async function subscribe(t: TestContext, server: Server, path: string, count: number) {
  const streams = await Promise.all(
    Array.from({ length: count }, (_, number) => {
      const headers = `X-Forwarded-For: 192.0.2.${number}\r\nUser-Agent: Player/${number % 3}\r\n`
      return new RawSubscriber(server.port, path, headers).opened()
    }),
  )
  t.after(() => {
    for (const stream of streams) stream.close()
  })
  return streams
}

/** The admin page of a server, when it shows its first figures. */
export async function openAdmin(
  t: TestContext,
  browser: Browser,
  server: Server,
  options: BrowserContextOptions = {},
): Promise<Visit> {
  const visitor = await visit(t, browser, `${server.url}/admin/`, options)
  await visitor.shows(STATE, 'ready')
  // A table is read anew only while it is in view.
  await visitor.page.locator('#topics').scrollIntoViewIfNeeded()
  return visitor
}
