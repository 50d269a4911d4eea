// The admin page's numbers, held against what a load client counts.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { assertClean, chart, load, numberIn, openAdmin, subscribe } from '../kit/admin-page.ts'
import { launchChromium } from '../kit/browser.ts'
import { startServer } from '../kit/server.ts'
import { until } from '../kit/until.ts'

describe('the admin page under load', () => {
  let browser: Browser

  before(async () => {
    browser = await launchChromium()
  })

  after(() => browser?.close())

  it('shows what a load client counts, within 2 %', async (t) => {
    const server = await startServer(['--threads', '2'])
    t.after(() => server.stop())
    const readers = await subscribe(t, server, '/subscribe/a', 50)
    const visitor = await openAdmin(t, browser, server)
    const bytesBefore = readers.reduce((sum, { text }) => sum + text.length, 0)
    const running = load(server, 'a', 10)
    await until(
      async () => numberIn(await visitor.see(chart('Events in', 'values'))) > 50,
      'it rises',
    )
    // The first requests were late, and those behind them were faster for it.
    await visitor.page.waitForTimeout(3000)
    const mean = (values: readonly number[]): number =>
      values.reduce((sum, value) => sum + value, 0) / values.length
    const isNear = (value: number, expected: number): boolean =>
      Math.abs(value / expected - 1) <= 0.02
    /** What is shown in six seconds, one value a second: their mean is the rate. */
    const look = async () => {
      const began = readers[0]?.events.length ?? 0
      const beganAt = performance.now()
      const shown = { events: [] as number[], deliveries: [] as number[] }
      for (let second = 0; second < 6; second++) {
        await visitor.page.waitForTimeout(1000)
        shown.events.push(numberIn(await visitor.see(chart('Events in', 'values'))))
        shown.deliveries.push(numberIn(await visitor.see(chart('Deliveries out', 'values'))))
      }
      const got = (readers[0]?.events.length ?? 0) - began
      const rate = (got * 1000) / (performance.now() - beganAt)
      return { events: mean(shown.events), deliveries: mean(shown.deliveries) / 50, rate }
    }
    // What is shown is a second or two old: where the machine stalls at either end of the six, they
    // are others than the client's. So a stall may cost a look, but not each.
    const looks: Awaited<ReturnType<typeof look>>[] = []
    const agrees = (): boolean => {
      const { events, deliveries, rate } = looks.at(-1) ?? { events: 0, deliveries: 0, rate: 1 }
      return isNear(events, rate) && isNear(deliveries, rate)
    }
    while (!agrees() && looks.length < 4) looks.push(await look())
    assert.ok(agrees(), JSON.stringify(looks))
    const accepted = await running.end()
    await visitor.shows(
      chart('Events in', 'note'),
      `${accepted.toLocaleString('en')} since the start`,
    )
    const counted = (): number => readers.reduce((sum, { events }) => sum + events.length, 0)
    await until(() => counted() === 50 * accepted, 'all have everything')
    await visitor.shows(
      chart('Deliveries out', 'note'),
      `${(50 * accepted).toLocaleString('en')} since the start`,
    )
    const bytes = readers.reduce((sum, { text }) => sum + text.length, 0) - bytesBefore
    const [, value, unit] = /([\d.]+) (KiB|MiB)/.exec(
      `${await visitor.see(chart('Bytes out', 'note'))}`,
    ) ?? ['', '0', 'KiB']
    // A chunk's closing line is no byte of an event.
    const closing = readers.reduce((sum, { text }) => sum + (text.match(/\n\n\n/g)?.length ?? 0), 0)
    const shownBytes = Number(value) * (unit === 'MiB' ? 2 ** 20 : 1024)
    assert.ok(isNear(shownBytes, bytes - closing), `${shownBytes}, not ${bytes - closing}`)
    await visitor.shows(chart('Subscribers', 'values'), '50')
    assert.match(`${await visitor.see(chart('CPU of shards', 'values'))}`, /shard 0 \d+ %.*shard 1/)
    assertClean(visitor, server)
  })
})
