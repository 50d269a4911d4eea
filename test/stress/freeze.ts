// The whole process is frozen (SIGSTOP), as by a snapshot of its machine, and goes on (SIGCONT): nobody is
// closed for the time in which nothing could be written, and nothing is lost.
import { scenario } from './kit/scenario.ts'

const READERS = 200
const EVENTS = 200

export const freeze = scenario({
  name: 'freeze',
  says: 'the process is stopped for 5 s, and goes on',
  short: { times: 1, seconds: 5 },
  long: { times: 6, seconds: 20 },
  server: () => ({ args: ['--threads', '2', '--lag-seconds-max', '3'] }),
  bounds: ({ seconds }) => ({
    residentMiBMax: 300,
    restingMiBMax: 250,
    descriptorsMax: 500,
    healthMsMax: seconds * 1_000 + 10_000,
  }),
  run: async (arena, { times, seconds }) => {
    await arena.open({ crowd: 'reader', count: READERS })
    arena.publish({ authors: 4, perSecond: 400 })
    for (let time = 0; time < times; time++) {
      await arena.published(EVENTS)
      arena.server.process.kill('SIGSTOP')
      const until = performance.now() + seconds * 1_000
      await arena.until(() => performance.now() >= until, 'it stands still')
      arena.server.process.kill('SIGCONT')
    }
    await arena.published(EVENTS)
  },
})
