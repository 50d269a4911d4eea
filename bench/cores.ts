// Which cores the servers and the load client have. Servers run on core 0, where bench/launch.ts
// puts them, and the load on the others, so that neither takes the other's time.
import { availableParallelism } from 'node:os'
import { pin } from './usage.ts'

/** Read before the load is pinned: afterwards it is what the load has. */
export const CORE_COUNT = availableParallelism()

export interface Cores {
  /** What a server with so many threads, and the load client, can use at most. */
  readonly server: number
  readonly load: number
  /** Those of the load, and of a server that is not on core 0, as taskset takes them. */
  readonly loadList: string
  readonly serverList: string | undefined
}

/** @param threads of the server; with more than one, server and load share all cores */
export function assignCores(threads: number): Cores {
  const all = `0-${CORE_COUNT - 1}`
  const others = CORE_COUNT === 2 ? '1' : `1-${CORE_COUNT - 1}`
  if (threads === 1 && CORE_COUNT > 1 && pin(process.pid, others)) {
    return { server: 1, load: CORE_COUNT - 1, loadList: others, serverList: undefined }
  }
  pin(process.pid, all)
  const server = Math.min(threads, CORE_COUNT)
  return { server, load: CORE_COUNT, loadList: all, serverList: all }
}
