// Shards die of an uncaught error under load: one of them, then each in turn, oldest first. Who was on
// another shard must not notice; who was on it comes back, and gets all from then on.
import type { Arena } from './kit/arena.ts'
import { scenario } from './kit/scenario.ts'

const FAULT = new URL('../kit/fault.mjs', import.meta.url).href
const THREADS = 3
const READERS = 120
/** Events between two deaths. */
const EVENTS = 300

function deathsOf(arena: Arena): number {
  return arena.server.log.filter((line) => line.includes('"shard died"')).length
}

async function threadsOf(arena: Arena): Promise<number> {
  // The question itself may go to the shard that dies.
  const response = await fetch(`${arena.server.url}/health`).catch(() => undefined)
  const body = (await response?.json().catch(() => undefined)) as { threads?: number } | undefined
  return body?.threads ?? 0
}

async function untilAllServe(arena: Arena): Promise<void> {
  await arena.until(async () => (await threadsOf(arena)) === THREADS, 'the shard is back')
}

export const death = scenario({
  name: 'death',
  says: 'shards die of an uncaught error, one after the other',
  short: { deaths: 3 },
  long: { deaths: 60 },
  server: () => ({
    args: ['--threads', `${THREADS}`, '--shard-restarts-max', '1000'],
    env: { FAULT_IN_TURN: '1' },
    nodeFlags: ['--import', FAULT],
  }),
  bounds: () => ({
    residentMiBMax: 450,
    restingMiBMax: 400,
    descriptorsMax: 1_000,
    errors: /"shard died"/,
    healthMayBeCut: true,
  }),
  arena: () => ({ mayBeCut: true, witnesses: 16, authors: 256 }),
  run: async (arena, { deaths }) => {
    await arena.open({ crowd: 'reader', count: READERS })
    arena.publish({ authors: 6, perSecond: 600 })
    for (let count = 0; count < deaths; count++) {
      await arena.published(EVENTS)
      arena.server.process.kill('SIGUSR2')
      await arena.until(() => deathsOf(arena) > count, 'a shard dies')
      await untilAllServe(arena)
      await arena.open({ crowd: `returned${count}`, count: READERS / THREADS })
    }
    await arena.published(EVENTS)
  },
})
