// What is wrong with a page in a browser though it works: what axe finds, and what moves by itself.
import axe from 'axe-core'
import type { Page } from 'playwright-core'

/** A script of the page's that keeps, in `window.shifts`, what moves without anybody
 * having done anything (Layout Instability API). */
export const SHIFTS = `window.shifts = []
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    if (entry.hadRecentInput) continue
    const sources = entry.sources.map(({ node, previousRect, currentRect }) =>
      [node?.parentElement?.outerHTML, JSON.stringify(previousRect), JSON.stringify(currentRect)])
    window.shifts.push([entry.value, entry.startTime, ...sources])
  }
}).observe({ type: 'layout-shift', buffered: true })`

/**
 * What axe finds, of whatever gravity.
 * @param rules further ones, by axe's names, that it does not go by unless it is told to
 */
export async function violations(page: Page, rules: readonly string[] = []): Promise<unknown> {
  await page.evaluate(axe.source)
  const asked = Object.fromEntries(rules.map((rule) => [rule, { enabled: true }]))
  return page.evaluate(`axe.run({ rules: ${JSON.stringify(asked)} }).then(({ violations }) => violations.map((one) =>
    [one.id, ...one.nodes.map((node) => node.html.slice(0, 200))]))`)
}
