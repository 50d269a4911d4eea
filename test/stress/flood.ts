// Publishers that send more than can be handed out: they are told so with 503, memory stays
// bounded, nothing that was answered 200 is lost, and when they slow down all is taken again.
import { scenario } from './kit/scenario.ts'

const EVENT_BYTES = 64 * 1024
/** The least that the options allow: four events. */
const LAG = ['--lag-bytes-max', '134217728', '--lag-seconds-max', '600']
const LIMITS = ['--inflight-bytes-max', '65536', '--backlog-bytes-max', '262144']

export const flood = scenario({
  name: 'flood',
  says: 'publishers are faster than the fan-out, are told to wait, and are taken in again',
  short: { subscribers: 200, refusals: 200, floods: 3 },
  long: { subscribers: 500, refusals: 1_000, floods: 14 },
  server: () => ({ args: ['--threads', '2', ...LIMITS, ...LAG] }),
  bounds: ({ subscribers }) => ({
    residentMiBMax: 350,
    restingMiBMax: 300,
    descriptorsMax: 200 + subscribers,
  }),
  arena: ({ floods }) => ({ authors: 17 * floods }),
  run: async (arena, { subscribers, refusals, floods }) => {
    await arena.open({ crowd: 'reader', count: subscribers })
    for (let round = 0; round < floods; round++) {
      const before = arena.refused
      arena.publish({ authors: 16, bytes: EVENT_BYTES })
      await arena.until(() => arena.refused >= before + refusals, 'publishers are told to wait')
      await arena.settle()
      arena.publish({ authors: 1, perSecond: 200 })
      // The first one may still meet the end of the flood.
      await arena.published(1)
      const refused = arena.refused
      await arena.published(100)
      arena.must(arena.refused === refused, 'expected no 503 when the flood is over')
      await arena.quiet()
    }
  },
})
