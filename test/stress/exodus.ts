// Five hundred subscribers leave at the same instant, and five hundred come, again and again while
// events are published. Some close, some end their side, some reset the connection.
import { scenario } from './kit/scenario.ts'

const CROWD = 500
const STAYERS = 50
/** Events between a coming and a leaving: the crowd is in the middle of them. */
const EVENTS = 200

export const exodus = scenario({
  name: 'exodus',
  says: '500 subscribers leave at the same instant, and 500 come, again and again',
  short: { rounds: 8 },
  long: { rounds: 200 },
  server: () => ({ args: ['--threads', '2'] }),
  // A crowd is still leaving when the next one comes.
  bounds: () => ({
    residentMiBMax: 250,
    restingMiBMax: 220,
    descriptorsMax: 200 + STAYERS + 2 * CROWD,
  }),
  run: async (arena, { rounds }) => {
    await arena.open({ crowd: 'stayer', count: STAYERS })
    arena.publish({ authors: 8, perSecond: 1_000 })
    for (let round = 0; round < rounds; round++) {
      await arena.open({ crowd: 'mover', count: CROWD })
      await arena.published(EVENTS)
      await arena.leave('mover', round % 2 === 0 ? 'mixed' : 'reset')
    }
  },
})
