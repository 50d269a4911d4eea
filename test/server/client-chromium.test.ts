// A page of another origin in headless Chromium: its own EventSource and fetch, under the browser's
// rules of CORS. What a page may not do when its origin is not allowed is held against it.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server as WebServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { freePort } from '../../scripts/free-port.ts'
import { launchChromium, newPage } from '../kit/browser.ts'
import { type Server, sharedServer, startServer } from '../kit/server.ts'
import { until } from '../kit/until.ts'

const PAGE = readFileSync(new URL('../clients/page.html', import.meta.url))

interface Visit {
  readonly page: Page
  /** Errors on the page's console, and errors that its script did not catch. */
  readonly errors: string[]
  /** Method and path of the requests the page made, preflights too. */
  readonly requests: string[]
  /** Calls a function of the page. Text, because a test has no types of the browser. */
  call(name: 'subscribe' | 'publish', ...args: unknown[]): Promise<unknown>
  /** The page's expression, evaluated. */
  see(expression: string): Promise<unknown>
}

describe('a page of another origin in Chromium', () => {
  let site: WebServer
  let browser: Browser

  before(async () => {
    site = createServer((_request, response) => {
      response.setHeader('Content-Type', 'text/html').end(PAGE)
    })
    site.listen(0, '127.0.0.1')
    await once(site, 'listening')
    browser = await launchChromium()
  })

  after(async () => {
    await browser?.close()
    site.closeAllConnections()
    site.close()
  })

  const ARGS = ['--threads', '2']

  /** One of the test's own, to be stopped. */
  async function start(t: TestContext, ...args: string[]): Promise<Server> {
    const server = await startServer([...ARGS, ...args])
    t.after(() => server.stop())
    return server
  }

  async function visit(t: TestContext): Promise<Visit> {
    const { page, errors } = await newPage(t, browser)
    const requests: string[] = []
    const devtools = await page.context().newCDPSession(page)
    devtools.on('Network.requestWillBeSent', ({ request }) => {
      requests.push(`${request.method} ${new URL(request.url).pathname}`)
    })
    await devtools.send('Network.enable')
    await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`)
    return {
      page,
      errors,
      requests,
      call: (name, ...args) => page.evaluate(`page.${name}(...${JSON.stringify(args)})`),
      see: (expression) => page.evaluate(expression),
    }
  }

  async function isOpen(visitor: Visit, key: string): Promise<void> {
    const state = `page.streams.${key}.source.readyState`
    await until(async () => (await visitor.see(state)) === 1, `${key} is open`)
  }

  async function received(visitor: Visit, key: string, count: number): Promise<unknown> {
    const length = `page.streams.${key}.events.length`
    await until(async () => Number(await visitor.see(length)) >= count, `${count} on ${key}`)
    return visitor.see(`page.streams.${key}.events`)
  }

  it('subscribes with EventSource and publishes with fetch, after a preflight', async (t) => {
    const server = await sharedServer(ARGS)
    const visitor = await visit(t)
    await visitor.call('subscribe', 'all', `${server.url}/events`)
    await isOpen(visitor, 'all')
    const event = { hello: 'wörld 👩‍🚀' }
    assert.equal(await visitor.call('publish', `${server.url}/api/events`, event), 200)
    const data = '{"hello":"wörld 👩‍🚀","user_ip":"127.0.0.1"}'
    assert.deepEqual(await received(visitor, 'all', 1), [{ data, lastEventId: '' }])
    assert.ok(visitor.requests.includes('OPTIONS /api/events'), visitor.requests.join())
    assert.deepEqual(visitor.errors, [])
  })

  it('gets named events of a topic, and keeps the last id', async (t) => {
    const server = await sharedServer(ARGS)
    const visitor = await visit(t)
    await visitor.call('subscribe', 'cats', `${server.url}/subscribe/pets`, 'meow')
    await visitor.call('subscribe', 'unnamed', `${server.url}/subscribe/pets`)
    await Promise.all([isOpen(visitor, 'cats'), isOpen(visitor, 'unnamed')])
    const posts = [
      ['cats?event=meow&id=9', 'cats', 1],
      ['dogs', 'unnamed', 1],
      ['cats?event=meow', 'cats', 2],
    ] as const
    for (const [index, [path, key, count]] of posts.entries()) {
      const url = `${server.url}/publish/pets/${path}`
      const response = await fetch(url, { method: 'POST', body: ` ${index}\n.` })
      assert.equal(response.status, 200)
      // The next may go to another shard, and could then come before this one.
      await received(visitor, key, count)
    }
    assert.deepEqual(await received(visitor, 'cats', 2), [
      { data: ' 0\n.', lastEventId: '9' },
      { data: ' 2\n.', lastEventId: '9' },
    ])
    assert.deepEqual(await received(visitor, 'unnamed', 1), [{ data: ' 1\n.', lastEventId: '9' }])
    assert.deepEqual(visitor.errors, [])
  })

  it('comes back by itself to the next server on the port', async (t) => {
    const args = ['--reconnect-ms', '100', '--port', `${await freePort()}`]
    const first = await start(t, ...args)
    const visitor = await visit(t)
    await visitor.call('subscribe', 'news', `${first.url}/subscribe/news`)
    await isOpen(visitor, 'news')
    assert.equal(await first.stop(), 0)
    // Until the page has seen the end, its stream still looks open.
    const state = 'page.streams.news.source.readyState'
    await until(async () => (await visitor.see(state)) === 0, 'the page sees the end')
    const second = await start(t, ...args)
    await isOpen(visitor, 'news')
    await fetch(`${second.url}/publish/news`, { method: 'POST', body: 'after' })
    assert.deepEqual(await received(visitor, 'news', 1), [{ data: 'after', lastEventId: '' }])
    // Refused connections are on the console; a stream that was cut off would be too.
    const cut = visitor.errors.filter((text) => !text.includes('ERR_CONNECTION_REFUSED'))
    assert.deepEqual(cut, [])
  })

  it('is kept out where its origin is not allowed', async (t) => {
    const server = await start(t, '--cors-origins', 'https://example.org')
    const visitor = await visit(t)
    await visitor.call('subscribe', 'all', `${server.url}/events`)
    const closed = 'page.streams.all.source.readyState'
    await until(async () => (await visitor.see(closed)) === 2, 'the browser gives up')
    const url = `${server.url}/api/events`
    await assert.rejects(() => visitor.call('publish', url, { hello: 'world' }), /Failed to fetch/)
    assert.ok(visitor.errors.some((text) => text.includes('blocked by CORS policy')))
  })
})
