// What server and load client used between two moments, and which of the two was at its limit.
import type { Cores } from './cores.ts'
import type { Peer } from './peer.ts'
import type { Limit } from './result.ts'
import { machineCpuSeconds, ownThreads, usageOf } from './usage.ts'

/** From this part of its cores on, a process counts as at its limit. */
const BUSY = 0.9

export interface Reading {
  readonly seconds: number
  /** CPU seconds of the server; undefined where its process is not known. */
  readonly serverCpuSeconds: number | undefined
  readonly residentMebibytes: number | undefined
  /** CPU seconds per second. */
  readonly serverCpu: number | undefined
  readonly loadCpu: number
  /** Of everything else on the machine, Redis and a feeder of ours too. */
  readonly otherCpu: number | undefined
  readonly limit: Limit
}

/** Begins to measure; call what it returns at the end. */
export function startMeter({ pid }: Peer, cores: Cores): () => Reading {
  const server = usageOf(pid)
  const load = process.cpuUsage()
  const threads = ownThreads()
  const machine = machineCpuSeconds()
  const startMs = performance.now()
  return () => {
    const seconds = (performance.now() - startMs) / 1000
    const end = usageOf(pid)
    const { user, system } = process.cpuUsage(load)
    const loadCpu = (user + system) / 1e6 / seconds
    // One thread may be at its limit while other cores are idle.
    let busiest = 0
    for (const [thread, cpuSeconds] of ownThreads()) {
      busiest = Math.max(busiest, (cpuSeconds - (threads.get(thread) ?? 0)) / seconds)
    }
    const machineEnd = machineCpuSeconds()
    const machineCpu = machine && machineEnd && (machineEnd - machine) / seconds
    const serverCpuSeconds = end && server && end.cpuSeconds - server.cpuSeconds
    const serverCpu = serverCpuSeconds === undefined ? undefined : serverCpuSeconds / seconds
    const isServerBusy = (serverCpu ?? 0) >= BUSY * cores.server
    const isLoadBusy = loadCpu >= BUSY * cores.load || busiest >= BUSY
    // Where they share cores, each could have more without the other.
    const isShared = cores.serverList !== undefined
    const isMachineBusy = isShared && loadCpu + (serverCpu ?? 0) >= BUSY * cores.load
    return {
      seconds,
      serverCpuSeconds,
      residentMebibytes: end && end.residentBytes / 2 ** 20,
      serverCpu,
      loadCpu,
      // The two are read one after the other: what is below zero is nothing.
      otherCpu: machineCpu && Math.max(0, machineCpu - loadCpu - (serverCpu ?? 0)),
      limit: isServerBusy ? 'server' : isLoadBusy || isMachineBusy ? 'load client' : 'none',
    }
  }
}
