// The admin page where something is wrong around it: a browser that keeps nothing, tokens that cannot be
// sent, narrow screens, a server that falls silent or has another clock.
import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import axe from 'axe-core'
import type { Browser } from 'playwright-core'
import { launchChromium, newPage, visit } from './kit/browser.ts'
import { type Server, startServer } from './kit/server.ts'
import { RawSubscriber } from './kit/subscriber.ts'
import { until } from './kit/until.ts'

const STATE = `document.getElementById('state').textContent`
const TOKEN = 'admin-0123456789abc'

/** What of the charts' captions is cut off. */
const CUT = `[...document.querySelectorAll('.chart .title, .chart .note, .chart .values span')]
  .filter((one) => one.scrollWidth > one.clientWidth + 1 || one.getBoundingClientRect().right >
    one.closest('figcaption').getBoundingClientRect().right + 1)
  .map((one) => one.textContent)`

describe('the admin page', () => {
  let browser: Browser

  before(async () => {
    browser = await launchChromium()
  })

  after(() => browser?.close())

  async function start(t: TestContext, ...args: string[]): Promise<Server> {
    const server = await startServer(['--threads', '2', ...args])
    t.after(() => server.stop())
    return server
  }

  // 640 is a window of 1280 at a zoom of 200 %.
  for (const [width, colorScheme] of [
    [320, 'dark'],
    [360, 'dark'],
    [640, 'light'],
  ] as const) {
    it(`cuts nothing off and can be hit, ${width} px wide, with the longest texts`, async (t) => {
      const server = await start(t, '--node-name', 'n'.repeat(120))
      const agent = `User-Agent: ${'M'.repeat(2000)}\r\n`
      const path = `/subscribe/${'x'.repeat(200)}`
      const stream = await new RawSubscriber(server.port, path, agent).opened()
      t.after(() => stream.close())
      const visitor = await visit(t, browser, 'about:blank', {
        viewport: { width, height: 700 },
        colorScheme,
        bypassCSP: true,
      })
      const { page } = visitor
      await page.goto(`${server.url}/admin/`)
      await visitor.shows(STATE, 'ready')
      await page.locator('#connections').scrollIntoViewIfNeeded()
      await visitor.shows(`document.querySelectorAll('#connections td').length`, 8)
      assert.equal(await visitor.see('document.documentElement.scrollWidth'), width)
      assert.deepEqual(await visitor.see(CUT), [])
      await page.evaluate(axe.source)
      // The size of targets is not among what axe looks for by itself.
      const options = `{ rules: { 'target-size': { enabled: true } } }`
      const found = await visitor.see(`axe.run(${options}).then(({ violations }) =>
        violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)]))`)
      assert.deepEqual(found, [])
    })
  }

  it('works in a browser that refuses to keep anything', async (t) => {
    const server = await start(t, '--admin-token', TOKEN)
    const { page, errors } = await newPage(t, browser)
    await page.addInitScript(`for (const name of ['localStorage', 'sessionStorage'])
      Object.defineProperty(window, name, { get() { throw new DOMException('no', 'SecurityError') } })`)
    await page.goto(`${server.url}/admin/`)
    await page.getByLabel('Admin token').fill(TOKEN)
    await page.keyboard.press('Enter')
    await until(async () => (await page.evaluate(STATE)) === 'ready', 'it is signed in')
    await page.getByLabel('Colours').selectOption('dark')
    assert.equal(await page.evaluate('document.documentElement.dataset.theme'), 'dark')
    // The browser itself says so of the answer that asks for a token.
    assert.deepEqual(
      errors.filter((text) => !text.includes('status of 401')),
      [],
    )
  })

  it('asks again for a token that no header can carry', async (t) => {
    const server = await start(t, '--admin-token', TOKEN)
    const visitor = await visit(t, browser, `${server.url}/admin/`)
    const field = visitor.page.getByLabel('Admin token')
    const says = `document.getElementById('sign-in-says').textContent`
    for (const wrong of ['пароль', 'two words', 'ключ🔑']) {
      await field.fill(wrong)
      await field.press('Enter')
      await visitor.shows(says, 'a token is of ASCII letters, digits and signs')
      assert.ok(await field.isVisible())
    }
    await field.fill(` ${TOKEN} `)
    await field.press('Enter')
    await visitor.shows(STATE, 'ready')
  })
})
