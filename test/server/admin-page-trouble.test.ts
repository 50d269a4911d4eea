// The admin page where something is wrong around it: a browser that keeps nothing, tokens that cannot be
// sent, narrow screens, a server that falls silent or has another clock.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { Browser } from 'playwright-core'
import { violations } from '../kit/audit.ts'
import { launchChromium, newPage, visit } from '../kit/browser.ts'
import { type Server, sharedServer } from '../kit/server.ts'
import { RawSubscriber } from '../kit/subscriber.ts'
import { until } from '../kit/until.ts'

const STATE = `document.getElementById('state').textContent`
/** What the build made of src/page/. */
const FILES = new URL('../../dist/page/files.js', import.meta.url).href
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

  async function share(...args: string[]): Promise<Server> {
    return sharedServer(['--threads', '2', ...args])
  }

  // 640 is a window of 1280 at a zoom of 200 %.
  for (const [width, colorScheme] of [
    [320, 'dark'],
    [360, 'dark'],
    [640, 'light'],
  ] as const) {
    it(`cuts nothing off and can be hit, ${width} px wide, with the longest texts`, async (t) => {
      const server = await share('--node-name', 'n'.repeat(120))
      const left = async (): Promise<boolean> => {
        const status = await (await fetch(`${server.url}/admin/status.json`)).json()
        return (status as { connections: unknown[] }).connections.length === 0
      }
      await until(left, 'the stream of the test before has left')
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
      // The size of targets is not among what axe looks for by itself.
      assert.deepEqual(await violations(page, ['target-size']), [])
    })
  }

  it('works in a browser that refuses to keep anything', async (t) => {
    const server = await share('--admin-token', TOKEN)
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
    const server = await share('--admin-token', TOKEN)
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

  it('says that a server which falls silent is not connected, and comes back to it', async (t) => {
    const puppet = await startPuppet(t)
    const visitor = await visit(t, browser, `${puppet.url}/admin/`)
    await puppet.send({})
    await visitor.shows(STATE, 'ready')
    // Nothing follows, and the connection stays: as of a process that hangs.
    await visitor.shows(STATE, 'not connected')
    await until(() => puppet.streams === 2, 'it asks again')
    await puppet.send({})
    await visitor.shows(STATE, 'ready')
    assert.deepEqual(visitor.errors, [])
  })

  it('goes by its own clock where the server has another, and by the server for ages', async (t) => {
    const puppet = await startPuppet(t)
    const visitor = await visit(t, browser, `${puppet.url}/admin/`)
    const hour = 3_600_000
    const label = `document.querySelector('.chart .plot').ariaLabel`
    for (const [second, behind] of [2, 2, 0, -3, 1].entries()) {
      await puppet.send({ at: Date.now() - behind * hour, events_per_second: second * 10 })
      const now = `Events in. events: ${second * 10} /s now, at most ${second * 10} /s in five minutes`
      await visitor.shows(label, now)
    }
    // By the last snapshot the server is an hour behind, and so is what it says of a source.
    const up = `document.querySelector('#sources tbody').textContent`
    await visitor.shows(`${up}.includes('up for 30 s') || ${up}.includes('up for 31 s')`, true)
    assert.deepEqual(visitor.errors, [])
  })

  it('shows as many shards as there are', async (t) => {
    const puppet = await startPuppet(t)
    const visitor = await visit(t, browser, `${puppet.url}/admin/`)
    const shards = Array.from({ length: 64 }, (_, shard) => ({ ...SHARD, shard, cpu: shard / 100 }))
    await puppet.send({ shards })
    const cpu = `[...document.querySelectorAll('.chart')].find((one) =>
      one.querySelector('.title').textContent === 'CPU of shards').querySelector('.values').textContent`
    await visitor.shows(cpu, 'at most 63 %')
    assert.equal(await visitor.see('document.documentElement.scrollWidth'), 1280)
    assert.deepEqual(await visitor.see(CUT), [])
    assert.deepEqual(visitor.errors, [])
  })
})

const SHARD = { shard: 0, subscribers: 1, cpu: 0.5, busy: 0.5, memory_bytes: 1e7, loop_delay_ms: 1 }

/** A snapshot as docs/protocol.md has it. */
function snapshot(at: number): Record<string, unknown> {
  const source = { name: 'redis', address: 'redis://h', state: 'up', error: null, connects: 1 }
  const messages = { msgs_received: 1, msgs_refused: 0, msgs_replaced: 0, msgs_dropped: 0 }
  return {
    ...{ at, node: 'puppet', version: '0', uptime_s: 1, state: 'ready', overloaded: false },
    ...{ events_per_second: 1, deliveries_per_second: 1, bytes_per_second: 1 },
    ...{ events: 1, deliveries: 1, bytes: 1, subscribers: 1, feeds: 1 },
    ...{ connections: 1, connections_max: 2, backlog_bytes: 0, backlog_bytes_max: 1 },
    ...{ delay_p50_ms: 1, delay_p99_ms: 2, refused: {}, closed_slow: 0, skips: 0, rss_bytes: 1 },
    shards: [SHARD],
    sources: [{ ...source, ...messages, since: Math.floor(at / 1000) - 30 }],
  }
}

/** Serves the page, and as its snapshots what a test says: states that no server is easily brought to. */
async function startPuppet(t: TestContext) {
  const { files } = (await import(FILES)) as {
    files: Record<string, { type: string; text: string }>
  }
  let stream: ServerResponse | undefined
  let streams = 0
  const server = createServer((request, response) => {
    const file = files[request.url ?? '']
    if (file !== undefined) {
      response.writeHead(200, { 'Content-Type': file.type }).end(file.text)
    } else if (request.url === '/admin/events') {
      streams++
      stream = response.writeHead(200, { 'Content-Type': 'text/event-stream' })
      stream.flushHeaders()
    } else response.writeHead(503).end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    get streams() {
      return streams
    },
    send: async (fields: Record<string, unknown>) => {
      await until(() => stream !== undefined, 'it listens')
      const { at = Date.now() } = fields
      stream?.write(`data: ${JSON.stringify({ ...snapshot(at as number), ...fields })}\n\n`)
    },
  }
}
