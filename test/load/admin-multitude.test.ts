// The admin page beside 15,000 subscribers: it lists them all, sorted, filtered and page by page, and
// every one of them gets every event meanwhile. What that costs is measured by `make bench-full`.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import { launchChromium, visit } from '../kit/browser.ts'
import { startServer } from '../kit/server.ts'
import { until } from '../kit/until.ts'

const SUBSCRIBERS = 15_000
/** Connecting at once, so many at a time. */
const WAVE = 500
const EVENTS = 20

/** A stream that only counts its bytes: 15,000 texts would be too many. */
async function subscribe(port: number, number: number, count: (bytes: number) => void) {
  const socket = connect(port, '127.0.0.1')
  const address = `10.0.${Math.floor(number / 250)}.${number % 250}`
  const topic = `/subscribe/all/${number % 40}`
  socket.write(`GET ${topic} HTTP/1.1\r\nHost: test\r\nX-Forwarded-For: ${address}\r\n\r\n`)
  await once(socket, 'data')
  socket.on('data', (chunk) => count(chunk.toString('latin1').split('data: ').length - 1))
  return socket
}

describe('the admin page beside 15,000 subscribers', () => {
  it('lists them all, and all get everything meanwhile', async (t) => {
    const server = await startServer(['--threads', '2'])
    const sockets: Socket[] = []
    t.after(async () => {
      for (const socket of sockets) socket.destroy()
      await server.stop()
    })
    let deliveries = 0
    const count = (events: number): void => {
      deliveries += events
    }
    while (sockets.length < SUBSCRIBERS) {
      const first = sockets.length
      const wave = Array.from({ length: WAVE }, (_, one) => {
        return subscribe(server.port, first + one, count)
      })
      sockets.push(...(await Promise.all(wave)))
    }
    const browser = await launchChromium()
    t.after(() => browser.close())
    const visitor = await visit(t, browser, `${server.url}/admin/`)
    const connections = visitor.page.locator('#connections')
    await connections.scrollIntoViewIfNeeded()
    const range = `document.querySelector('#connections .range').textContent`
    const column = (cell: number): string =>
      `[...document.querySelectorAll('#connections tbody tr')].map((row) => row.cells[${cell}].textContent)`
    await visitor.shows(range, '1–50 of 15,000')

    let published = 0
    const publishing = (async () => {
      for (; published < EVENTS; published++) {
        const path = `${server.url}/publish/all/${published % 40}`
        assert.equal((await fetch(path, { method: 'POST', body: 'x' })).status, 200)
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
    })()
    await connections.getByRole('button', { name: 'Address' }).click()
    await visitor.shows(`${column(0)}[0]`, '10.0.0.0')
    await connections.getByRole('button', { name: 'Next' }).click()
    await visitor.shows(range, '51–100 of 15,000')
    await connections.getByRole('button', { name: 'Address' }).click()
    await visitor.shows(`${column(0)}[0]`, '10.0.9.99')
    await connections.getByRole('searchbox').fill('10.0.42.')
    await visitor.shows(range, '1–50 of 250 (15,000 in all)')
    await connections.getByRole('searchbox').fill('/all/7')
    await visitor.shows(range, '1–50 of 375 (15,000 in all)')
    await visitor.shows(`[...new Set(${column(1)})]`, ['/all/7'])
    await publishing
    // Each topic has 375 of them.
    const expected = EVENTS * (SUBSCRIBERS / 40)
    await until(() => deliveries >= expected, 'all have everything', 20_000)
    assert.equal(deliveries, expected)

    const last = await fetch(`${server.url}/admin/connections.json?offset=14990&sort=lag_bytes`)
    const page = (await last.json()) as { matched: number; connections: unknown[] }
    assert.deepEqual([page.matched, page.connections.length], [SUBSCRIBERS, 10])
    assert.deepEqual(visitor.errors, [])
  })
})
