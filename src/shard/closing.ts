// The end of a shard's streams at a stop: each is told when to come back, and closed, paced over
// the time there is, so that the next server meets no storm. Shard thread.
import { retryFrame } from '../event/frame.ts'
import { closeStream, endStream } from './stream.ts'
import type { Subscriber } from './subscriber.ts'

const TICK_MS = 50
/** Streams closed in a tick at the least: few subscribers need not wait for the whole time. */
const CLOSED_PER_TICK_MIN = 10
/** Share of the time after which all that can be closed are: the rest is for those that lag. */
const PACED_SHARE = 0.8

/**
 * Closes every subscriber that has all its events; those that still lack some get the whole time.
 * What is left then is closed as it is.
 * @param isFlushed tells whether all that can be written has been
 */
export function closeStreams(
  roster: ReadonlySet<Subscriber>,
  withinMs: number,
  reconnectMs: number,
  isFlushed: () => boolean,
): Promise<void> {
  const begun = performance.now()
  return new Promise((resolve) => {
    const tick = (): void => {
      const elapsed = performance.now() - begun
      const pacedMs = withinMs * PACED_SHARE - elapsed
      if (isFlushed()) closeSome(roster, pacedMs / TICK_MS, reconnectMs)
      if (elapsed >= withinMs) for (const subscriber of roster) closeStream(subscriber.response)
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
    if (subscriber.isBlocked || subscriber.lagBytes > 0) continue
    endStream(subscriber.response, retryFrame(reconnectMs))
    subscriber.gone()
    left--
  }
}
