// As many subscribers as the open files of one process allow, on one server: all come at once, all
// get everything, and what they cost in memory is bounded and given back.
import { scenario } from './kit/scenario.ts'

interface Size {
  readonly subscribers: number
  readonly events: number
}

export const multitude = scenario<Size>({
  name: 'multitude',
  says: '16,000 subscribers of one server, all of whom get everything',
  short: { subscribers: 16_000, events: 200 },
  long: { subscribers: 16_000, events: 10_000 },
  server: () => ({ args: ['--threads', '2'] }),
  bounds: ({ subscribers }) => ({
    residentMiBMax: 300,
    restingMiBMax: 260,
    descriptorsMax: 300 + subscribers,
  }),
  run: async (arena, { subscribers, events }) => {
    await arena.open({ crowd: 'reader', count: subscribers })
    arena.publish({ authors: 4, perSecond: 50 })
    await arena.published(events)
  },
})
