// What a scenario is, and how one is played. A scenario is a file of test/stress/ with one noun: it
// says how large it is in its short and its long form, how the server is started, what bounds hold,
// and what happens. Everything else is the same for all: invariants are checked all the while, and
// at the end everybody must have everything, leave, memory and open files come back, and SIGTERM
// end the server with 0. Main thread.
//
//   export const visitors = scenario({
//     name: 'visitors',
//     says: 'two hundred come, read and leave',
//     short: { events: 1_000 },
//     long: { events: 100_000 },
//     server: () => ({ args: ['--threads', '2'] }),
//     bounds: () => ({ residentMiBMax: 300, restingMiBMax: 250, descriptorsMax: 400 }),
//     async run(arena, { events }) {
//       await arena.open({ crowd: 'visitor', count: 200 })
//       arena.publish({ authors: 4, perSecond: 1_000 })
//       await arena.published(events)
//       await arena.leave('visitor', 'mixed')
//     },
//   })
import { launchServer, MAIN, type ServerOptions } from '../../kit/launch.ts'
import { Arena, type ArenaOptions } from './arena.ts'
import { Violation } from './violation.ts'
import type { Bounds } from './watch.ts'

export interface ServerPlan extends ServerOptions {
  readonly args: readonly string[]
  /** Another program than the built server: the harness's own tests have a faulty one. */
  readonly script?: string
}

/** Open files that may be left when all have left: the next question for /health, and its like. */
const DESCRIPTORS_LEFT = 8

export interface Scenario<Size> {
  readonly name: string
  /** What happens in it, in a few words. */
  readonly says: string
  readonly short: Size
  readonly long: Size
  server(size: Size): ServerPlan | Promise<ServerPlan>
  bounds(size: Size): Bounds
  /** Subscribers' paths, threads, what may be cut. */
  arena?(size: Size): Omit<ArenaOptions, 'bounds' | 'seed'>
  run(arena: Arena, size: Size): Promise<void>
}

export type Form = 'short' | 'long'

/** What a scenario's play came to. */
export interface Figures {
  readonly name: string
  readonly events: number
  readonly deliveries: number
  readonly peakMiB: number
  readonly restMiB: number
  readonly peakDescriptors: number
  readonly healthMs: number
  readonly refused: number
  readonly seconds: number
}

/** A scenario whose size is its own affair. */
export interface Play {
  readonly name: string
  readonly says: string
  /** Plays it; throws the first violation, with the seed. */
  play(form: Form, seed: number): Promise<Figures>
}

export function scenario<Size>(plan: Scenario<Size>): Play {
  const { name, says } = plan
  return {
    name,
    says,
    play: async (form, seed) => {
      try {
        return await play(plan, plan[form], seed)
      } catch (error) {
        if (!(error instanceof Violation)) throw error
        throw new Violation(error.violation, `${name}: ${error.detail} (${form}, seed ${seed})`)
      }
    },
  }
}

async function play<Size>(plan: Scenario<Size>, size: Size, seed: number): Promise<Figures> {
  const startMs = performance.now()
  const { args, script = MAIN, ...options } = await plan.server(size)
  const own = ['--host', '127.0.0.1', '--port', '0', '--no-user-ip']
  const server = await launchServer(script, [...own, ...args], options)
  const bounds = plan.bounds(size)
  const arena = new Arena(server, { ...plan.arena?.(size), bounds, seed })
  const { watch, fleet } = arena
  try {
    const descriptors = watch.descriptors + DESCRIPTORS_LEFT
    await arena.begin()
    await plan.run(arena, size)
    await arena.settle()
    let restMiB = watch.residentMiB
    if (!arena.isStopped) {
      await arena.rest(bounds, descriptors)
      restMiB = watch.residentMiB
      await arena.stop()
    }
    arena.check()
    return {
      name: plan.name,
      events: arena.accepted,
      deliveries: fleet.deliveries,
      peakMiB: watch.peakResidentMiB,
      restMiB,
      peakDescriptors: watch.peakDescriptors,
      healthMs: watch.healthMsMax,
      refused: arena.refused,
      seconds: (performance.now() - startMs) / 1000,
    }
  } catch (error) {
    throw await arena.explain(error)
  } finally {
    await arena.end()
  }
}
