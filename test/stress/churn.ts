// Subscribers come and go, 500 a second, each for up to two seconds, under publishing. Each must
// have one stretch of the one order: all from its coming to its going.
import { scenario } from './kit/scenario.ts'

const PER_SECOND = 500
const STAY_MS_MAX = 2_000

export const churn = scenario({
  name: 'churn',
  says: '500 subscribers a second come, and each goes within two seconds',
  short: { visits: 2_000 },
  long: { visits: 100_000 },
  server: () => ({ args: ['--threads', '2'] }),
  // On a slow machine more are there at the same time, but never more than the visits of 4 s.
  bounds: () => ({ residentMiBMax: 250, restingMiBMax: 220, descriptorsMax: 4 * PER_SECOND + 300 }),
  run: async (arena, { visits }) => {
    await arena.open({ crowd: 'stayer', count: 100 })
    arena.publish({ authors: 8, perSecond: 1_000 })
    arena.publish({ authors: 2, perSecond: 1_000, batch: 20, path: '/publish/events' })
    await arena.churn({ crowd: 'visitor', visits, perSecond: PER_SECOND, stayMsMax: STAY_MS_MAX })
  },
})
