// examples/emojitracker.html in headless Chromium, from its file, against a real server: the
// scores, the tweets behind them, the keyboard, and that nothing that is sent becomes markup.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { Browser, BrowserContextOptions } from 'playwright-core'
import { freePort } from '../../scripts/free-port.ts'
import { launchChromium, type Visit, visit } from '../kit/browser.ts'
import { type Server, startServer } from '../kit/server.ts'
import { until } from '../kit/until.ts'

const PAGE = new URL('../../examples/emojitracker.html', import.meta.url)

/** What is in the grid, in its order. */
const GRID = `[...document.querySelectorAll('.cell')].map((cell) =>
  [cell.dataset.id, Number(cell.querySelector('.count').textContent.replace(/\\D/g, ''))])`
const TEXTS = `[...document.querySelectorAll('.tweet .text')].map((text) => text.textContent)`

describe('the example page', () => {
  let browser: Browser
  let server: Server

  before(async () => {
    browser = await launchChromium()
    server = await startServer(['--threads', '2', '--reconnect-ms', '100'])
  })

  after(async () => {
    await browser?.close()
    await server?.stop()
  })

  async function open(t: TestContext, options: BrowserContextOptions = {}): Promise<Visit> {
    const visitor = await visit(t, browser, `${PAGE.href}?server=${server.url}`, options)
    await visitor.shows(`document.getElementById('state').textContent`, 'live')
    return visitor
  }

  async function publish(topic: string, lines: readonly unknown[], event?: string): Promise<void> {
    const body = lines.map((data) => JSON.stringify({ data, ...(event && { event }) })).join('\n')
    const headers = { 'Content-Type': 'application/x-ndjson' }
    const init = { method: 'POST', headers, body }
    const answer = await fetch(`${server.url}/publish/${topic}`, init)
    assert.equal(answer.status, 200, await answer.text())
  }

  function tweet(id: string, ...texts: string[]): Promise<void> {
    const tweets = texts.map((text, index) => ({
      id: `45119628895284424${index}`,
      text,
      screen_name: 'snow_flake',
      name: 'نور <i>x</i>',
      links: [],
      profile_image_url: 'http://pictures.example.org/1.jpg',
      created_at: '2014-04-02T03:15:52+00:00',
    }))
    return publish(`details/${id}`, tweets, `stream.tweet_updates.${id}`)
  }

  function assertClean({ errors, requests }: Visit): void {
    assert.deepEqual(errors, [])
    assert.deepEqual(
      requests.filter((url) => !url.startsWith(`${server.url}/`) && !url.startsWith('data:')),
      [],
    )
  }

  it('counts what is published, however fast, and sorts it', async (t) => {
    const visitor = await open(t)
    const expected = new Map<string, number>()
    const events: Record<string, number>[] = Array.from({ length: 600 }, (_, index) => {
      const counts = { '1F602': 3, [index % 2 === 0 ? '2665' : '0031-20E3']: 2, '1F1FA-1F1F8': 1 }
      for (const [id, count] of Object.entries(counts)) {
        expected.set(id, (expected.get(id) ?? 0) + count)
      }
      return counts
    })
    // Last in the grid when it comes, first when it is sorted.
    events.push({ '1F680': 5000 })
    expected.set('1F680', 5000)
    await publish('eps', events)
    await visitor.shows(`Object.fromEntries((${GRID}).toSorted())`, {
      ...Object.fromEntries([...expected].toSorted()),
    })
    await visitor.shows(`(${GRID})[0]`, ['1F680', 5000])
    await visitor.shows(`(${GRID})[1]`, ['1F602', 1800])
    const glyphs = `[...document.querySelectorAll('.cell .glyph')].map((g) => g.textContent)`
    assert.deepEqual(
      new Set((await visitor.see(glyphs)) as string[]),
      new Set(['🚀', '😂', '♥\uFE0F', '1\uFE0F\u20E3', '🇺🇸']),
    )
    const total = `document.getElementById('total').textContent.replace(/\\D/g, '')`
    await visitor.shows(total, String([...expected.values()].reduce((a, b) => a + b)))
    assertClean(visitor)
  })

  it('leaves out what is no count of an emoji', async (t) => {
    const visitor = await open(t)
    await publish('eps', [
      'no JSON',
      null,
      [1, 2],
      { '<img src=x onerror=alert(1)>': 1, '110000': 1, FFFFFF: 1, '': 1, '../x': 1 },
      { '2665': -1, '1F602': 0.5, '1F680': '7', '2764': null },
      { '1F44D': 1 },
    ])
    await visitor.shows(GRID, [['1F44D', 1]])
    assertClean(visitor)
  })

  it('shows tweets newest first, right-to-left and with their line ends, as text', async (t) => {
    const visitor = await open(t)
    const { page } = visitor
    await publish('eps', [{ '2665': 1 }])
    await page.click('[data-id="2665"]')
    await visitor.shows(`shown.state`, 'live')
    const texts = [
      'صباح الخير ♥ يا أصدقاء',
      'first line\nsecond line\u2028third ♥ line',
      '<b>no</b> &amp; <img src=http://evil.example.org/x onerror="throw 1"> #tag @ruby "q" \\ ♥',
    ]
    await tweet('2665', ...texts)
    await visitor.shows(TEXTS, texts.map((text) => text.replace('\u2028', '\n')).toReversed())
    const directions = `[...document.querySelectorAll('.tweet .text')].map((text) =>
      getComputedStyle(text).direction)`
    assert.deepEqual(await visitor.see(directions), ['ltr', 'ltr', 'rtl'])
    // Three lines are as they are seen, not only in the document.
    const lines = `document.querySelectorAll('.tweet .text')[1].innerText.split('\\n').length`
    assert.equal(await visitor.see(lines), 3)
    const height = `document.querySelectorAll('.tweet .text')[1].getClientRects()[0].height`
    assert.ok(Number(await visitor.see(height)) > 55)
    assert.equal(
      await visitor.see(`document.querySelector('.author b').textContent`),
      'نور <i>x</i>',
    )
    const markup = `document.querySelectorAll('.tweet img, .text b, .author i, .tweet a').length`
    assert.equal(await visitor.see(markup), 0)
    assertClean(visitor)
  })

  it('follows one emoji at a time, and keeps a bounded list', async (t) => {
    const visitor = await open(t)
    const { page } = visitor
    await publish('eps', [{ '1F680': 1, '2615': 1 }])
    await page.click('[data-id="1F680"]')
    await visitor.shows(`shown.state`, 'live')
    await page.click('[data-id="2615"]')
    await visitor.shows(`shown.state`, 'live')
    await tweet('1F680', 'of the rocket')
    await tweet('2615', ...Array.from({ length: 15 }, (_, index) => `${index}`))
    await visitor.shows(`${TEXTS}.length`, 15)
    await tweet('2615', ...Array.from({ length: 8 }, (_, index) => `${15 + index}`))
    const newest = Array.from({ length: 20 }, (_, index) => `${22 - index}`)
    await visitor.shows(TEXTS, newest)
    await page.click('[data-id="2615"]')
    await visitor.shows(`document.getElementById('panel').hidden`, true)
    assertClean(visitor)
  })

  it('works by keyboard alone', async (t) => {
    const visitor = await open(t)
    const { page } = visitor
    const press = async (...keys: string[]): Promise<void> => {
      for (const key of keys) await page.keyboard.press(key)
    }
    const focused = `document.activeElement.dataset.id`
    await publish('eps', [{ '1F602': 900 }, { '2665': 400 }, { '1F680': 100 }])
    await visitor.shows(`(${GRID}).length`, 3)
    await press('Tab', 'Tab')
    assert.equal(await visitor.see(focused), '1F602')
    await press('ArrowRight', 'ArrowRight')
    assert.equal(await visitor.see(focused), '1F680')
    await press('Home', 'ArrowRight', 'Enter')
    await visitor.shows(`shown.id`, '2665')
    await visitor.shows(`shown.state`, 'live')
    await tweet('2665', 'by keyboard')
    await visitor.shows(TEXTS, ['by keyboard'])
    // What has the focus overtakes another, and keeps the focus where it goes.
    await publish('eps', [{ '2665': 4000 }])
    await visitor.shows(`(${GRID}).map(([id]) => id)`, ['2665', '1F602', '1F680'])
    assert.equal(await visitor.see(focused), '2665')
    await press('Escape')
    assert.equal(await visitor.see(`document.getElementById('panel').hidden`), true)
    assert.equal(await visitor.see(focused), '2665')
    assertClean(visitor)
  })

  it('holds still while it is paused, and misses no count', async (t) => {
    const visitor = await open(t)
    await publish('eps', [{ '2665': 1 }])
    await visitor.shows(GRID, [['2665', 1]])
    await visitor.page.click('#pause')
    await publish('eps', [{ '2665': 4, '1F680': 1 }])
    await visitor.shows(`news.size`, 2)
    assert.deepEqual(await visitor.see(GRID), [['2665', 1]])
    await visitor.page.click('#pause')
    await visitor.shows(GRID, [
      ['2665', 5],
      ['1F680', 1],
    ])
    assertClean(visitor)
  })

  it('says so when the server is gone, and goes on when it is back', async (t) => {
    const port = ['--port', `${await freePort()}`]
    const own = await startServer(['--threads', '1', '--reconnect-ms', '100', ...port])
    t.after(() => own.stop())
    const visitor = await visit(t, browser, `${PAGE.href}?server=${own.url}`)
    const state = `document.getElementById('state').textContent`
    await visitor.shows(state, 'live')
    await fetch(`${own.url}/publish/eps`, { method: 'POST', body: '{"2665":2}' })
    await visitor.shows(GRID, [['2665', 2]])
    await own.stop()
    await visitor.shows(state, 'reconnecting')
    const again = await startServer(['--threads', '1', ...port])
    t.after(() => again.stop())
    await visitor.shows(state, 'live')
    await fetch(`${own.url}/publish/eps`, { method: 'POST', body: '{"2665":3}' })
    await visitor.shows(GRID, [['2665', 5]])
  })

  it('asks localhost:8001 where it is a file, else its origin, and no odd scheme', async (t) => {
    const stream = /\/subscribe\/eps$/
    const fromFile = await visit(t, browser, PAGE.href)
    await until(() => fromFile.requests.some((url) => stream.test(url)), 'it asks')
    assert.deepEqual(
      fromFile.requests.filter((url) => stream.test(url)),
      ['http://localhost:8001/subscribe/eps'],
    )
    const site = createServer((_request, response) => {
      response.setHeader('Content-Type', 'text/html').end(readFileSync(PAGE))
    }).listen(0, '127.0.0.1')
    t.after(() => {
      site.closeAllConnections()
      site.close()
    })
    await until(() => site.listening, 'the site listens')
    const origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`
    const fromSite = await visit(t, browser, `${origin}/`)
    await until(() => fromSite.requests.some((url) => stream.test(url)), 'it asks')
    assert.ok(fromSite.requests.includes(`${origin}/subscribe/eps`))
    const other = await visit(t, browser, `${PAGE.href}?server=javascript:alert(1)`)
    await other.shows(
      `document.getElementById('state').textContent`,
      '?server= must be an address such as http://localhost:8001',
    )
    assert.deepEqual(other.errors, [])
  })

  it('moves nothing where reduced motion is wanted', async (t) => {
    const visitor = await open(t, { reducedMotion: 'reduce' })
    await visitor.page.evaluate(`Element.prototype.animate = () => { throw new Error('moves') }`)
    await publish('eps', [{ '1F602': 9 }, { '2665': 400 }])
    await visitor.shows(`(${GRID}).map(([id]) => id)`, ['2665', '1F602'])
    await visitor.page.click('[data-id="2665"]')
    await visitor.shows(`shown.state`, 'live')
    await tweet('2665', 'at rest')
    await visitor.shows(TEXTS, ['at rest'])
    assertClean(visitor)
  })

  it('fits a phone, with and without tweets', async (t) => {
    const visitor = await open(t, { viewport: { width: 360, height: 640 }, colorScheme: 'dark' })
    await publish('eps', [
      Object.fromEntries(['1F602', '2665', '1F680'].map((id) => [id, 123_456])),
    ])
    await visitor.shows(`(${GRID}).length`, 3)
    const overflow = `document.documentElement.scrollWidth - innerWidth`
    assert.equal(await visitor.see(overflow), 0)
    await visitor.page.click('[data-id="2665"]')
    await visitor.shows(`shown.state`, 'live')
    await tweet('2665', `${'long'.repeat(60)} https://t.co/abcdefghij`)
    await visitor.shows(`${TEXTS}.length`, 1)
    assert.equal(await visitor.see(overflow), 0)
    assertClean(visitor)
  })
})
