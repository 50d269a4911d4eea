// What processes use, from Linux's /proc, and on which cores they run. Elsewhere: nothing known.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** Linux counts CPU time in these for every program, whatever its own timer does. */
const TICKS_PER_SECOND = 100

export interface Usage {
  readonly cpuSeconds: number
  readonly residentBytes: number
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function cpuSecondsOf(stat: string): number {
  // Field 14 and 15; the second is a name that may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** Undefined where the process is not known or there is no /proc. */
export function usageOf(pid: number | undefined): Usage | undefined {
  const stat = pid === undefined ? undefined : read(`/proc/${pid}/stat`)
  const status = read(`/proc/${pid}/status`)
  if (stat === undefined || status === undefined) return undefined
  const residentKibibytes = Number(/^VmRSS:\s*(\d+)/m.exec(status)?.[1] ?? 0)
  return { cpuSeconds: cpuSecondsOf(stat), residentBytes: residentKibibytes * 1024 }
}

/** CPU seconds of each thread of our own process. */
export function ownThreads(): ReadonlyMap<string, number> {
  const threads = new Map<string, number>()
  if (read('/proc/self/stat') === undefined) return threads
  for (const thread of readdirSync('/proc/self/task')) {
    const stat = read(`/proc/self/task/${thread}/stat`)
    if (stat !== undefined) threads.set(thread, cpuSecondsOf(stat))
  }
  return threads
}

/** CPU seconds of all that runs on the machine, since it started. */
export function machineCpuSeconds(): number | undefined {
  const line = read('/proc/stat')?.split('\n')[0]
  // cpu user nice system idle iowait irq softirq steal; guests are in user and nice already.
  const fields = line?.split(/\s+/).slice(1, 9).map(Number)
  if (fields === undefined) return undefined
  const busy = fields.filter((_, index) => index !== 3 && index !== 4)
  return busy.reduce((sum, ticks) => sum + ticks, 0) / TICKS_PER_SECOND
}

/** Keeps a process, all its threads, on these cores: `0`, `1-3`. */
export function pin(pid: number, cores: string): boolean {
  const args = ['-a', '-c', '-p', cores, `${pid}`]
  return spawnSync('taskset', args, { stdio: 'ignore' }).status === 0
}
