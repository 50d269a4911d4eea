// The page at / in headless Chromium, against a real server: a visitor subscribes and publishes there,
// and its lines are run by a shell. It is everyone's, says what a server does not allow, and is
// accessible and still. So are the documents, all of whose links lead somewhere.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { SHIFTS, violations } from '../kit/audit.ts'
import { launchChromium, visit } from '../kit/browser.ts'
import { exchange } from '../kit/raw.ts'
import { startRedis } from '../kit/redis.ts'
import { type Server, sharedServer } from '../kit/server.ts'
import { tryAll } from '../kit/trial.ts'

const PUBLISH = 'publish-0123456789'
const SUBSCRIBE = 'subscribe-0123456789'

/** Nothing is open but what everyone may see. */
const CLOSED = ['--admin', 'off', '--subscribe-token', SUBSCRIBE, '--publish-token', PUBLISH]

const LINES = `[...document.querySelectorAll('.lines code')].map((code) => code.textContent)`
const SEEN = `[...document.querySelectorAll('#watch-events span')].map((data) => data.textContent)`

function says(panel: 'watch' | 'publish' | 'copy'): string {
  return `document.getElementById('${panel}-says').textContent`
}

function share(...args: string[]): Promise<Server> {
  return sharedServer(['--threads', '1', '--no-user-ip', ...args])
}

describe('the page at /', () => {
  let browser: Browser

  before(async () => {
    browser = await launchChromium()
  })

  after(() => browser?.close())

  it('subscribes and publishes, by keyboard', async (t) => {
    const server = await share()
    const { page, shows, errors, requests } = await visit(t, browser, `${server.url}/`)
    await page.getByLabel('Topic, with all below it').press('Enter')
    await shows(says('watch'), 'Waiting for events.')
    const data = page.getByLabel('Data')
    await data.fill('<b>woof</b>')
    await data.press('Tab')
    await shows('document.activeElement.textContent', 'Publish')
    await page.keyboard.press('Enter')
    await shows(SEEN, ['<b>woof</b>'])
    await shows(says('watch'), '1 event')
    assert.match(`${await page.evaluate(says('publish'))}`, /^Accepted at \d\d:\d\d:\d\d\.$/)
    assert.deepEqual(errors, [])
    const elsewhere = requests.filter((url) => !url.startsWith(`${server.url}/`))
    assert.deepEqual(
      elsewhere.filter((url) => !url.startsWith('data:')),
      [],
    )
  })

  it('has lines for a shell that work as they stand, and can be copied', async (t) => {
    const server = await share()
    const permissions = ['clipboard-read', 'clipboard-write']
    const { page, see, shows } = await visit(t, browser, `${server.url}/`, { permissions })
    const lines = (await see(LINES)) as string[]
    await tryAll(t, lines)
    for (const [index, line] of lines.entries()) {
      await page.getByRole('button', { name: 'Copy' }).nth(index).click()
      await shows(says('copy'), 'Copied.')
      await shows('navigator.clipboard.readText()', line)
    }
  })

  it('has the lines and the topic of the emojitracker preset', async (t) => {
    const redis = await startRedis()
    t.after(() => redis.stop())
    const server = await share('--preset', 'emojitracker', '--redis-url', redis.url)
    const { see, page } = await visit(t, browser, `${server.url}/`)
    const address = new URL(server.url).host
    assert.deepEqual(
      await see(LINES),
      ['eps', 'raw', 'details'].map((topic) => `curl -N '${address}/subscribe/${topic}'`),
    )
    assert.equal(await page.getByLabel('Topic, with all below it').inputValue(), '/eps')
  })

  it('asks for a token where one is needed, and not before', async (t) => {
    const server = await share(...CLOSED)
    const { page, see, shows } = await visit(t, browser, `${server.url}/`)
    assert.doesNotMatch(await page.content(), /-0123456789/)
    for (const [right, token, button, done] of [
      ['subscribe', SUBSCRIBE, 'Subscribe', 'Waiting for events.'],
      ['publish', PUBLISH, 'Publish', undefined],
    ] as const) {
      const field = page.getByLabel(`${button} token`)
      const panel = right === 'subscribe' ? 'watch' : right
      assert.equal(await field.isVisible(), false)
      await page.getByRole('button', { name: button }).click()
      await shows(says(panel), `this needs a ${right} token: Authorization: Bearer TOKEN`)
      await field.fill('another-0123456789')
      await field.press('Enter')
      await shows(says(panel), 'the token is not known here')
      await field.fill(token)
      await field.press('Enter')
      if (done !== undefined) await shows(says(panel), done)
    }
    await shows(SEEN, ['woof'])
    assert.match(`${await see(says('publish'))}`, /^Accepted/)
  })

  it('says why where publishing is for this machine only, and asks for no token', async (t) => {
    const server = await share()
    const extraHTTPHeaders = { 'X-Forwarded-For': '192.0.2.1' }
    const { page, shows } = await visit(t, browser, `${server.url}/`, { extraHTTPHeaders })
    await page.getByRole('button', { name: 'Publish' }).click()
    const detail =
      'publishing here is for programs on this machine; \
--publish public or --publish-token opens it'
    await shows(says('publish'), detail)
    assert.equal(await page.getByLabel('Publish token').isVisible(), false)
  })

  it('leads to the admin page where there is one, and to the documents', async (t) => {
    const links = `[...document.querySelectorAll('nav a')].map((link) => link.pathname)`
    const server = await share()
    const { see } = await visit(t, browser, `${server.url}/`)
    assert.deepEqual(await see(links), ['/admin/', '/docs/'])
    const without = await visit(t, browser, `${(await share('--admin', 'off')).url}/`)
    assert.deepEqual(await without.see(links), ['/docs/'])
  })

  for (const [width, colorScheme] of [
    [1280, 'light'],
    [1280, 'dark'],
    [360, 'light'],
  ] as const) {
    it(`is accessible and still, ${width} px wide and ${colorScheme}; so are documents`, async (t) => {
      const server = await share()
      const options = { viewport: { width, height: 800 }, colorScheme, bypassCSP: true }
      for (const path of ['/', '/docs/', '/docs/options', '/docs/protocol']) {
        // axe is put into the page, which allows only what came with it.
        const { page, see } = await visit(t, browser, 'about:blank', options)
        await page.addInitScript(SHIFTS)
        await page.goto(server.url + path, { waitUntil: 'load' })
        await page.evaluate('new Promise(requestAnimationFrame)')
        if (path === '/') {
          await page.getByRole('button', { name: 'Subscribe' }).click()
          await page.getByRole('button', { name: 'Publish' }).click()
          await page.getByText('woof').nth(1).waitFor()
        }
        assert.deepEqual(await see('window.shifts'), [], path)
        assert.equal(await see('document.documentElement.scrollWidth'), width, path)
        assert.deepEqual(await violations(page), [], path)
      }
    })
  }
})

describe('what everyone may see', () => {
  const paths = [
    '/',
    '/welcome.js',
    '/welcome.css',
    '/docs/',
    '/docs/protocol',
    '/docs/document.css',
  ]

  it('is sent as the admin page is, also where nothing else is open', async () => {
    const server = await share(...CLOSED)
    const headers = { 'X-Forwarded-For': '192.0.2.1' }
    for (const path of paths) {
      const response = await fetch(server.url + path, { headers })
      assert.equal(response.status, 200, path)
      assert.equal(response.headers.get('x-content-type-options'), 'nosniff')
      const text = await response.text()
      const isHtml = response.headers.get('content-type') === 'text/html; charset=utf-8'
      assert.equal(isHtml, text.startsWith('<!doctype html>'), path)
      const policy = response.headers.get('content-security-policy') ?? ''
      assert.equal(policy.includes("default-src 'none'"), isHtml, path)
      const tag = response.headers.get('etag') ?? ''
      const known = await fetch(server.url + path, { headers: { 'If-None-Match': tag } })
      assert.equal(known.status, 304, path)
      const head = await fetch(server.url + path, { method: 'HEAD' })
      assert.equal(head.headers.get('content-length'), `${Buffer.byteLength(text)}`, path)
    }
  })

  it('has another tag at / where it says something else', async () => {
    const tags = ['public', 'off'].map(async (admin) => {
      const server = await share('--admin', admin)
      return (await fetch(`${server.url}/`)).headers.get('etag')
    })
    assert.notEqual(await tags[0], await tags[1])
  })

  it('is read only, and leaves the connection in step', async () => {
    const server = await share()
    const ask = (method: string, path: string): string =>
      `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`
    const asked = [ask('HEAD', '/'), ask('GET', '/docs'), ask('PUT', '/'), ask('GET', '/docs/none')]
    const answers = await exchange(server.port, [...asked, ask('GET', '/ready')])
    const statuses = [...answers.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)
    assert.deepEqual(statuses, ['200', '301', '405', '404', '200'])
    assert.ok(answers.includes('\r\nLocation: /docs/\r\n'))
  })
})

describe('the documents', () => {
  it('lead only to pages and headings that there are', async () => {
    const server = await share()
    const texts = new Map<string, string>()
    const read = async (path: string): Promise<string> => {
      const text = texts.get(path) ?? (await (await fetch(server.url + path)).text())
      texts.set(path, text)
      return text
    }
    const open = ['/docs/']
    for (let path = open.pop(); path !== undefined; path = open.pop()) {
      for (const [, href] of (await read(path)).matchAll(/<a href="([^"]+)"/g)) {
        const { origin, pathname, hash } = new URL(href as string, server.url + path)
        if (origin !== server.url) continue
        if (pathname.startsWith('/docs/') && !texts.has(pathname)) open.push(pathname)
        const target = await read(pathname)
        assert.match(target, /^<!doctype html>/, `${path}: ${href}`)
        if (hash !== '') assert.ok(target.includes(`id="${hash.slice(1)}"`), `${path}: ${href}`)
      }
    }
    const found = [...texts.keys()].toSorted()
    const named = ['', 'command', 'metrics', 'operations', 'options', 'protocol']
    assert.deepEqual(found, ['/', ...named.map((name) => `/docs/${name}`)])
    const isElsewhere = [...texts.values()].some((text) => text.includes('href="operations#'))
    assert.ok(isElsewhere, 'a heading of another page')
  })
})
