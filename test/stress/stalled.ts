// Readers that stop reading: a few, many, all but the witnesses. They are closed within their lag
// limits and named in the log; the others lose nothing, and what is held for them stays bounded.
import { scenario } from './kit/scenario.ts'

interface Size {
  readonly subscribers: number
  /** In percent, one after the other. */
  readonly shares: readonly number[]
}

/** What the kernel takes in of a stalled stream, before the server notices, is 4 MiB and more. */
const EVENT_BYTES = 64 * 1024
const LAG_BYTES_MAX = 2 * 1024 * 1024
/** Two publishers' events together stay below the lag limit: who reads cannot come to it. */
const AHEAD_MAX = 14

export const stalled = scenario<Size>({
  name: 'stalled',
  says: '1 %, 10 % and all of the subscribers stop reading',
  short: { subscribers: 100, shares: [1, 10, 100] },
  long: { subscribers: 400, shares: [1, 10, 100, 1, 10, 100] },
  server: () => ({
    args: ['--threads', '2', '--lag-bytes-max', `${LAG_BYTES_MAX}`, '--lag-seconds-max', '600'],
  }),
  bounds: ({ subscribers }) => ({
    residentMiBMax: 350,
    restingMiBMax: 300,
    descriptorsMax: 200 + subscribers,
  }),
  arena: () => ({ eventBytesMin: EVENT_BYTES }),
  run: async (arena, { subscribers, shares }) => {
    for (const [round, share] of shares.entries()) {
      const sleepers = (subscribers * share) / 100
      const sleeper = `sleeper${round}`
      const reader = `reader${round}`
      await arena.open({ crowd: reader, count: subscribers - sleepers })
      await arena.open({ crowd: sleeper, count: sleepers, pace: 'stalled' })
      arena.publish({ authors: 2, bytes: EVENT_BYTES, aheadMax: AHEAD_MAX })
      const areClosed = (): boolean => arena.slowClosed(sleeper) === sleepers
      await arena.until(areClosed, `${sleepers} that do not read are closed, and named`)
      await arena.settle()
      await arena.leave(reader)
      await arena.leave(sleeper)
    }
  },
})
