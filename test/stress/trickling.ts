// Readers that take one byte a second: never idle, never done. They are closed within their lag
// limit and named in the log; the others lose nothing.
import { scenario } from './kit/scenario.ts'

interface Size {
  readonly readers: number
  readonly trickles: number
}

const EVENT_BYTES = 32 * 1024
/** Readers get to the end of the order now and then, however slow the machine: they do not lag. */
const AHEAD_MAX = 16
/** Long, for the readers' sake. */
const LAG_SECONDS = ['--lag-seconds-max', '8']

export const trickling = scenario<Size>({
  name: 'trickling',
  says: 'subscribers that read one byte a second, until they are closed for their lag in seconds',
  short: { readers: 200, trickles: 20 },
  long: { readers: 1_000, trickles: 200 },
  server: () => ({
    args: ['--threads', '2', '--lag-bytes-max', '67108864', ...LAG_SECONDS],
  }),
  bounds: ({ trickles, readers }) => ({
    residentMiBMax: 450,
    restingMiBMax: 400,
    descriptorsMax: 200 + readers + trickles,
  }),
  arena: () => ({ eventBytesMin: EVENT_BYTES }),
  run: async (arena, { readers, trickles }) => {
    await arena.open({ crowd: 'reader', count: readers })
    await arena.open({ crowd: 'trickle', count: trickles, pace: 'trickling' })
    arena.publish({ authors: 4, perSecond: 150, bytes: EVENT_BYTES, aheadMax: AHEAD_MAX })
    const areClosed = (): boolean => arena.slowClosed('trickle') === trickles
    await arena.until(areClosed, `${trickles} that trickle are closed, and named`)
  },
})
