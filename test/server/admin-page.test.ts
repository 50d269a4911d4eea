// The admin page in headless Chromium, against a real server: its tables can be filtered, sorted and paged,
// topics watched and events published; by keyboard, on a phone, in both themes; nothing on it moves,
// breaks, or leads elsewhere. test/load/ holds its numbers against those of a load.
import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { Browser, BrowserContextOptions } from 'playwright-core'
import { freePort } from '../../scripts/free-port.ts'
import { assertClean, load, openAdmin, publish, STATE, subscribe } from '../kit/admin-page.ts'
import { SHIFTS, violations } from '../kit/audit.ts'
import { launchChromium, type Visit, visit } from '../kit/browser.ts'
import { type Server, sharedServer, startServer } from '../kit/server.ts'
import { until } from '../kit/until.ts'

/** The first column of a list. */
function firstColumn(list: string): string {
  return `[...document.querySelectorAll('#${list} tbody tr')].map((row) => row.cells[0].textContent)`
}

function range(list: string): string {
  return `document.querySelector('#${list} .range').textContent`
}

describe('the admin page', () => {
  let browser: Browser

  before(async () => {
    browser = await launchChromium()
  })

  after(() => browser?.close())

  const ARGS = ['--threads', '2', '--node-name', 'here']

  /** One of the test's own: where the page's totals, or all who are connected, are what it sees. */
  async function start(t: TestContext, ...args: string[]): Promise<Server> {
    const server = await startServer([...ARGS, ...args])
    t.after(() => server.stop())
    return server
  }

  /** As it is without subscribers. */
  async function share(): Promise<Server> {
    const server = await sharedServer(ARGS)
    await until(
      async () => (await connectionsOf(server)) === 0,
      'those of the test before have left',
    )
    return server
  }

  async function connectionsOf(server: Server): Promise<number> {
    const status = await (await fetch(`${server.url}/admin/status.json`)).json()
    return (status as { connections: unknown[] }).connections.length
  }

  function open(t: TestContext, server: Server, options?: BrowserContextOptions): Promise<Visit> {
    return openAdmin(t, browser, server, options)
  }

  it('lists topics and connections: filtered, sorted, a page after the other', async (t) => {
    const server = await share()
    await subscribe(t, server, '/subscribe/pets', 60)
    await subscribe(t, server, '/subscribe/pets/dogs', 30)
    const visitor = await open(t, server)
    const { page } = visitor
    await visitor.shows(firstColumn('topics'), ['/pets', '/pets/dogs'])
    await page.locator('#topics').getByRole('button', { name: 'Topic' }).click()
    await visitor.shows(firstColumn('topics'), ['/pets', '/pets/dogs'])
    await page.locator('#topics').getByRole('button', { name: 'Topic' }).click()
    await visitor.shows(firstColumn('topics'), ['/pets/dogs', '/pets'])

    const connections = page.locator('#connections')
    await connections.scrollIntoViewIfNeeded()
    await visitor.shows(range('connections'), '1–50 of 90')
    await connections.getByRole('button', { name: 'Next' }).click()
    await visitor.shows(range('connections'), '51–90 of 90')
    assert.ok(await connections.getByRole('button', { name: 'Next' }).isDisabled())
    await connections.getByRole('searchbox').fill('player/2')
    await visitor.shows(range('connections'), '1–30 of 30 (90 in all)')
    const agents = `[...new Set([...document.querySelectorAll('#connections tbody tr')]
      .map((row) => row.cells[2].textContent))]`
    await visitor.shows(agents, ['Player/2'])
    await connections.getByRole('searchbox').fill('')
    await connections.getByRole('button', { name: 'Sent' }).click()
    await publish(server, 'pets/dogs', 'woof')
    await publish(server, 'pets', 'meow')
    const sent = `[...document.querySelectorAll('#connections tbody tr')]
      .map((row) => row.cells[4].textContent).join('')`
    await visitor.shows(sent, '2'.repeat(50))
    const sorted = await connections.locator('th[aria-sort="descending"]').allInnerTexts()
    assert.deepEqual(sorted, ['Sent'])
    await connections.getByRole('button', { name: 'Sent' }).click()
    await visitor.shows(sent, `${'1'.repeat(30)}${'2'.repeat(20)}`)
    await connections.getByRole('searchbox').fill('nobody')
    await visitor.shows(range('connections'), '0 of 0 (90 in all)')
    await visitor.shows(firstColumn('connections'), ['None.'])
    assertClean(visitor, server)
  })

  it('watches a topic, and shows what comes as text', async (t) => {
    const server = await share()
    await subscribe(t, server, '/subscribe/my%20pets', 1)
    const visitor = await open(t, server)
    const { page } = visitor
    await page.getByRole('button', { name: 'Watch /my pets' }).click()
    await visitor.shows(`document.getElementById('watch-says').textContent`, 'Waiting for events.')
    await publish(
      server,
      'my%20pets/dogs',
      '<img src=x onerror="throw 1">\nsecond',
      '?event=bark&id=7',
    )
    const lines = `[...document.querySelectorAll('#watch-events li')].map((line) =>
      line.textContent.replace(/^\\S+ /, ''))`
    await visitor.shows(lines, ['bark #7 <img src=x onerror="throw 1">\nsecond'])
    assert.equal(await page.locator('#watch-events img').count(), 0)

    const body = Array.from({ length: 3000 }, (_, number) => `{"data":"${number}"}`).join('\n')
    const headers = { 'Content-Type': 'application/x-ndjson' }
    const path = `${server.url}/publish/my%20pets`
    assert.equal((await fetch(path, { method: 'POST', headers, body })).status, 200)
    await visitor.shows(`document.getElementById('watch-says').textContent`, '3,001 events')
    await visitor.shows(`${lines}.length`, 200)
    await visitor.shows(`${lines}[0]`, '2999')
    await visitor.shows(`${lines}[199]`, '2800')
    await page.getByRole('button', { name: 'Pause' }).click()
    await publish(server, 'my%20pets', 'not shown')
    await visitor.shows(`document.getElementById('watch-says').textContent`, '3,002 events, paused')
    assert.equal(await visitor.see(`${lines}[0]`), '2999')
    await page.getByRole('button', { name: 'Stop' }).click()
    await visitor.shows(`document.getElementById('watch-says').textContent`, 'Stopped.')
    await until(async () => (await connectionsOf(server)) === 1, 'the stream is closed')
    assertClean(visitor, server)
  })

  it('publishes a test event, and says what the server thinks of one', async (t) => {
    const token = 'publish-0123456789'
    const server = await start(t, '--publish-token', token)
    const [reader] = await subscribe(t, server, '/subscribe/my%20pets', 1)
    const visitor = await open(t, server)
    const form = visitor.page.locator('#publish')
    const says = `document.getElementById('publish-says').textContent`
    await form.getByLabel('Topic').fill('/my pets')
    await form.getByLabel('Name').fill('bark')
    await form.getByLabel('Data').fill('two\nlines')
    await form.getByRole('button').click()
    await visitor.shows(says, 'this needs a publish token: Authorization: Bearer TOKEN')
    await form.getByLabel('Token').fill(token)
    await form.getByRole('button').click()
    await reader?.received(1)
    assert.deepEqual(reader?.events, ['two\nlines'])
    assert.ok(reader?.text.includes('event: bark\n'))
    await visitor.shows(`${says}.slice(0, 11)`, 'Accepted at')
    await form.getByLabel('Topic').fill('/pets/../cats')
    await form.getByRole('button').click()
    await visitor.shows(says, 'the topic has a segment that is . or ..')
    await form.getByLabel('Topic').fill('/my pets')
    await form.getByLabel('Name').fill('x'.repeat(257))
    await form.getByRole('button').click()
    await visitor.shows(`${says}.includes('256')`, true)
    // The browser says so of each answer that is an error.
    const { errors } = visitor
    assert.ok(
      errors.every((text) => /status of 40[01]/.test(text)),
      errors.join('\n'),
    )
  })

  it('asks for the admin token, keeps it for the tab, and says when it is wrong', async (t) => {
    const token = 'admin-0123456789abc'
    const server = await start(t, '--admin-token', token)
    const visitor = await visit(t, browser, `${server.url}/admin/`)
    const { page } = visitor
    await visitor.shows(STATE, 'not signed in')
    const field = page.getByLabel('Admin token')
    await field.fill('wrong-0123456789')
    await field.press('Enter')
    await visitor.shows(
      `document.getElementById('sign-in-says').textContent`,
      'the token is not known here',
    )
    // The first one can be prevented by a page, those behind it cannot.
    for (let press = 0; press < 3; press++) await page.keyboard.press('Escape')
    await until(() => field.isVisible(), 'it is there: there is nothing to see without a token')
    await field.fill(token)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await visitor.shows(STATE, 'ready')
    await page.reload()
    await visitor.shows(STATE, 'ready')
    assert.equal(await page.evaluate('localStorage.length'), 0)
  })

  it('says when the server is away, and goes on when it is back', async (t) => {
    const port = `${await freePort()}`
    const server = await start(t, '--port', port)
    const visitor = await open(t, server)
    assert.equal(await server.stop(), 0)
    await visitor.shows(STATE, 'not connected')
    const again = await startServer(['--threads', '1', '--port', port])
    t.after(() => again.stop())
    await until(async () => (await visitor.see(STATE)) === 'ready', 'it is back', 15_000)
  })

  it('names sources, laggards and refused requests', async (t) => {
    const server = await start(t, '--lag-bytes-max', '65536', '--lag-seconds-max', '2')
    const [stalled] = await subscribe(t, server, '/subscribe/a', 1)
    stalled?.socket.pause()
    const visitor = await open(t, server)
    assert.equal((await fetch(`${server.url}/nothing`)).status, 404)
    await visitor.page.locator('#slow-recently').scrollIntoViewIfNeeded()
    for (let event = 0; event < 200; event++) await publish(server, 'a', 'x'.repeat(60_000))
    const cells = `[...document.querySelectorAll('#slow-recently tbody td')]
      .map((cell) => cell.textContent)`
    await visitor.shows(`${cells}.slice(1, 5)`, [
      'closed: too many bytes behind',
      '192.0.2.0',
      '/a',
      'Player/0',
    ])
    await visitor.shows(
      `[...document.querySelectorAll('#refused tbody td')].map((cell) => cell.textContent)`,
      ['not_found', '1'],
    )
    await visitor.shows(
      `document.querySelector('#sources tbody').textContent`,
      'No source: events come over HTTP only.',
    )
    assertClean(visitor, server)
  })

  it('keeps the theme that was chosen', async (t) => {
    const server = await share()
    const visitor = await open(t, server, { colorScheme: 'light' })
    const back = `getComputedStyle(document.body).backgroundColor`
    const light = await visitor.see(back)
    await visitor.page.getByLabel('Colours').selectOption('dark')
    const dark = await visitor.see(back)
    assert.notEqual(dark, light)
    await visitor.page.reload()
    await visitor.shows(back, dark)
    await visitor.page.getByLabel('Colours').selectOption('auto')
    await visitor.shows(back, light)
  })

  it('can be used by keyboard alone', async (t) => {
    const server = await share()
    await subscribe(t, server, '/subscribe/pets', 1)
    const visitor = await open(t, server)
    const { page } = visitor
    await visitor.shows(firstColumn('topics'), ['/pets'])
    await page.keyboard.press('Tab')
    assert.equal(await visitor.see('document.activeElement.textContent'), 'Skip to the figures')
    await page.keyboard.press('Enter')
    const names: unknown[] = []
    const name = `document.activeElement.ariaLabel || document.activeElement.placeholder ||
      document.activeElement.textContent`
    for (let press = 0; press < 8; press++) {
      await page.keyboard.press('Tab')
      names.push(await visitor.see(name))
    }
    assert.deepEqual(names.slice(0, 2), ['Filter topics', 'Table: Topics'], names.join(' | '))
    assert.ok(names.includes('Watch /pets'), names.join(' | '))
    await page.getByRole('button', { name: 'Watch /pets' }).focus()
    await page.keyboard.press('Enter')
    await visitor.shows(`document.getElementById('watch-says').textContent`, 'Waiting for events.')
    // Figures come meanwhile, and take the focus from nobody.
    await page.waitForTimeout(2500)
    assert.equal(await visitor.see('document.activeElement.id'), 'watch-submit')
    await page.keyboard.press('Enter')
    await visitor.shows(`document.getElementById('watch-says').textContent`, 'Stopped.')
  })

  for (const [width, colorScheme] of [
    [1280, 'light'],
    [1280, 'dark'],
    [360, 'light'],
  ] as const) {
    it(`is accessible and still, ${width} px wide and ${colorScheme}`, async (t) => {
      const server = await share()
      await subscribe(t, server, '/subscribe/pets/with/a/long/name/that/goes/on/and/on', 20)
      const running = load(server, 'pets/with/a/long/name/that/goes/on/and/on', 20)
      // axe is put into the page, which allows only what came with it.
      const viewport = { width, height: 800 }
      const visitor = await visit(t, browser, 'about:blank', {
        viewport,
        colorScheme,
        bypassCSP: true,
      })
      const { page } = visitor
      await page.addInitScript(SHIFTS)
      await page.goto(`${server.url}/admin/`)
      await visitor.shows(STATE, 'ready')
      // Rates, percentages and sizes change their widths.
      await page.waitForTimeout(4000)
      assert.deepEqual(await visitor.see('window.shifts'), [])
      assert.equal(await visitor.see('document.documentElement.scrollWidth'), width)
      await page.locator('#connections').scrollIntoViewIfNeeded()
      await visitor.shows(range('connections'), '1–20 of 20')
      assert.deepEqual(await violations(page), [])
      await running.end()
      assertClean(visitor, server)
    })
  }
})
