// The end of a shard's streams at a stop: each is told when to come back, and closed, paced over
// the time there is, so that the next server meets no storm. Shard thread.
import { retryFrame } from '../event/frame.ts'
import type { Subscriber } from './subscriber.ts'

const TICK_MS = 50
/** Streams closed in a tick at the least: few subscribers need not wait for the whole time. */
const CLOSED_PER_TICK_MIN = 10
/** Share of the time after which all that can be closed are: the rest is for those that lag. */
const PACED_SHARE = 0.8

/**
 * Closes every subscriber that has all its events; those that still lack some get time until the
 * deadline. What is left then is closed as it is.
 * @param deadline Unix ms
 * @param isFlushed tells whether all that can be written has been
 */
export function closeStreams(
  roster: ReadonlySet<Subscriber>,
  deadline: number,
  reconnectMs: number,
  isFlushed: () => boolean,
): Promise<void> {
  const begun = Date.now()
  const pacedUntil = begun + (deadline - begun) * PACED_SHARE
  return new Promise((resolve) => {
    const tick = (): void => {
      const now = Date.now()
      if (isFlushed()) closeSome(roster, (pacedUntil - now) / TICK_MS, reconnectMs)
      if (now >= deadline) for (const subscriber of roster) subscriber.socket.destroy()
      if (roster.size === 0) resolve()
      else setTimeout(tick, TICK_MS)
    }
    tick()
  })
}

function closeSome(roster: ReadonlySet<Subscriber>, ticksLeft: number, reconnectMs: number): void {
  const due = Math.ceil(roster.size / Math.max(1, ticksLeft))
  let left = Math.max(CLOSED_PER_TICK_MIN, due)
  for (const subscriber of roster) {
    if (left === 0) return
    if (subscriber.blocked || subscriber.lagBytes > 0) continue
    subscriber.socket.end(retryFrame(reconnectMs))
    subscriber.gone()
    left--
  }
}
