// Somebody sets the system's clock, forward and back by an hour, under load: nothing may be due sooner or
// later for it.
import type { Arena } from './kit/arena.ts'
import { type Play, scenario } from './kit/scenario.ts'

const PRELOAD = new URL('../kit/clock-jump.mjs', import.meta.url).href
const HOUR_MS = 3_600_000
const READERS = 100
const EVENTS = 200

async function jump(arena: Arena, times: number): Promise<void> {
  await arena.open({ crowd: 'reader', count: READERS })
  arena.publish({ authors: 4, perSecond: 400 })
  for (let time = 0; time < times; time++) {
    await arena.published(EVENTS)
    arena.server.process.kill('SIGUSR2')
  }
  await arena.published(EVENTS)
}

function clock(name: string, says: string, jumpMs: number): Play {
  return scenario({
    name,
    says,
    short: { times: 2 },
    long: { times: 50 },
    server: () => ({
      args: ['--threads', '2', '--lag-seconds-max', '30', '--heartbeat-seconds', '1'],
      env: { CLOCK_JUMP_MS: String(jumpMs) },
      nodeFlags: ['--import', PRELOAD],
    }),
    bounds: () => ({ residentMiBMax: 300, restingMiBMax: 250, descriptorsMax: 400 }),
    run: (arena, size) => jump(arena, size.times),
  })
}

export const clockForward = clock('clock forward', 'the clock is set forward by an hour', HOUR_MS)
export const clockBack = clock('clock back', 'the clock is set back by an hour', -HOUR_MS)
