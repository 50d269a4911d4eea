// Headless Chromium for a test, as quiet on the network as it can be, and visits of pages in it.
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { until } from './until.ts'

const ARGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: '/usr/bin/chromium', args: ARGS })
}

export interface Visit {
  readonly page: Page
  /** Errors on the page's console, and errors that its script did not catch. */
  readonly errors: string[]
  /** The addresses that the page asked for, its own apart. */
  readonly requests: string[]
  /** The page's expression, evaluated. */
  see(expression: string): Promise<unknown>
  /** Waits until the page's expression gives this. */
  shows(expression: string, expected: unknown): Promise<void>
}

/** An empty page, in a context of its own that ends with the test, and the errors it will have. */
export async function newPage(
  t: TestContext,
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<Pick<Visit, 'page' | 'errors'>> {
  const context = await browser.newContext(options)
  t.after(() => context.close())
  const page = await context.newPage()
  const errors: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text())
  })
  page.on('pageerror', (error) => errors.push(error.message))
  return { page, errors }
}

/** Opens an address in a page of its own. */
export async function visit(
  t: TestContext,
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Visit> {
  const { page, errors } = await newPage(t, browser, options)
  const requests: string[] = []
  page.on('request', (request) => {
    if (request.url() !== url) requests.push(request.url())
  })
  await page.goto(url)
  const see = (expression: string): Promise<unknown> => page.evaluate(expression)
  const shows = async (expression: string, expected: unknown): Promise<void> => {
    let seen: unknown
    const isSo = async (): Promise<boolean> => {
      seen = await see(expression)
      return JSON.stringify(seen) === JSON.stringify(expected)
    }
    // A look costs a millisecond here and in the browser.
    await until(isSo, expression, 10_000, 50).catch(() => assert.deepEqual(seen, expected))
  }
  return { page, errors, requests, see, shows }
}
