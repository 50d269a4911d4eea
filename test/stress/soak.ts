// Everything at once, for long: topics, batches, large events, subscribers that come, go and stall,
// and questions for the status. Resident memory must stay flat.
import type { Arena } from './kit/arena.ts'
import { scenario } from './kit/scenario.ts'

interface Size {
  readonly seconds: number
  /** Memory may move by so much and still be flat: garbage is collected when V8 thinks it is time. */
  readonly flatMiB: number
}

const PATHS = ['/events', '/subscribe/pets', '/subscribe/']
/** Of each path. */
const READERS = 40
const VISITS_PER_SECOND = 100
const STALL_SECONDS = 5
/** What is held for whom is bounded, so that memory does not depend on how fast the machine is. */
const LIMITS = ['--lag-bytes-max', '1048576', '--backlog-bytes-max', '4194304']
const LARGE_BYTES = 64 * 1024
/** Two publishers' large events together stay below the lag limit: who reads cannot come to it. */
const AHEAD_MAX = 6

export const soak = scenario<Size>({
  name: 'soak',
  says: 'a mixed load, under which resident memory stays flat',
  short: { seconds: 8, flatMiB: 64 },
  long: { seconds: 300, flatMiB: 32 },
  server: () => ({ args: ['--threads', '2', ...LIMITS] }),
  bounds: () => ({ residentMiBMax: 400, restingMiBMax: 350, descriptorsMax: 1_500 }),
  arena: () => ({ paths: PATHS }),
  run: async (arena, { seconds, flatMiB }) => {
    for (const [index, path] of PATHS.entries()) {
      await arena.open({ crowd: `reader${index}`, count: READERS, path })
    }
    arena.publish({ authors: 8, perSecond: 400 })
    arena.publish({ authors: 4, perSecond: 200, path: '/publish/pets/dogs' })
    arena.publish({ authors: 2, perSecond: 400, path: '/publish/pets', batch: 20 })
    arena.publish({ authors: 2, perSecond: 40, bytes: LARGE_BYTES, aheadMax: AHEAD_MAX })
    const visits = seconds * VISITS_PER_SECOND
    const visit = { crowd: 'visitor', visits, perSecond: VISITS_PER_SECOND, stayMsMax: 1_000 }
    const rounds = Math.floor(seconds / STALL_SECONDS)
    await Promise.all([arena.churn(visit), stallAndAsk(arena, rounds)])
    checkFlat(arena, flatMiB)
  },
})

/** Again and again five stop reading, and are closed; meanwhile the status is asked for. */
async function stallAndAsk(arena: Arena, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const crowd = `sleeper${round}`
    await arena.open({ crowd, count: 5, pace: 'stalled' })
    await ask(arena)
    await arena.until(() => arena.slowClosed(crowd) === 5, 'those that do not read are closed')
    await arena.leave(crowd)
  }
}

async function ask(arena: Arena): Promise<void> {
  const response = await fetch(`${arena.server.url}/admin/status.json`)
  const { connections } = (await response.json()) as { connections: unknown[] }
  arena.must(
    connections.length >= READERS * PATHS.length,
    `expected all readers in the status, got ${connections.length}`,
  )
}

/** After a quarter of the time everything is warm: of the rest, the first third against the last. */
function checkFlat(arena: Arena, flatMiB: number): void {
  const { samples } = arena.watch
  const warm = samples.slice(samples.length / 4)
  const third = Math.floor(warm.length / 3)
  const first = median(warm.slice(0, third))
  const last = median(warm.slice(-third))
  const most = Math.round(first + flatMiB)
  arena.must(
    last <= most,
    `expected at most ${most} MiB in the last third, got ${Math.round(last)} MiB`,
  )
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number
}
