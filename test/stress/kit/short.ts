// Plays scenarios in their short form as tests, two at a time: none depends on how fast the machine is.
import { describe, it } from 'node:test'
import type { Play } from './scenario.ts'

/** One that is the same each time: what fails fails again. */
const SEED = 1

export function playShort(what: string, scenarios: readonly Play[]): void {
  describe(what, { concurrency: 2 }, () => {
    for (const { name, says, play } of scenarios) {
      it(`${name}: ${says}`, async (t) => {
        const figures = await play('short', SEED)
        const shown = Object.entries(figures).map(([key, value]) =>
          typeof value === 'number' ? `${key} ${Math.round(value)}` : value,
        )
        t.diagnostic(shown.join(', '))
      })
    }
  })
}
