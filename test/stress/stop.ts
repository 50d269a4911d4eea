// SIGTERM while events are published: what was answered 200 reaches every subscriber that stays, then
// streams end, then the process does, with 0.
import { scenario } from './kit/scenario.ts'

export const stop = scenario({
  name: 'stop',
  says: 'SIGTERM comes in the middle of it',
  short: { readers: 400, events: 500 },
  long: { readers: 4_000, events: 5_000 },
  server: () => ({ args: ['--threads', '2', '--drain-seconds', '60'] }),
  bounds: ({ readers }) => ({
    residentMiBMax: 400,
    restingMiBMax: 400,
    descriptorsMax: 300 + readers,
  }),
  run: async (arena, { readers, events }) => {
    await arena.open({ crowd: 'reader', count: readers })
    arena.publish({ authors: 8, perSecond: 1_000 })
    await arena.published(events)
    await arena.stop()
  },
})
