// What a thread costs: processor, memory, garbage collection. Any thread; one per thread.
import { readFileSync } from 'node:fs'
import { PerformanceObserver } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'

/** Counts since the thread began to watch. */
export interface ThreadFigures {
  readonly heapUsedBytes: number
  /** The heap in use, and the buffers beside it. */
  readonly memoryBytes: number
  /** CPU time of the thread since its start; undefined where the system does not tell it. */
  readonly cpuSeconds: number | undefined
  readonly gcCount: number
  readonly gcPauseNs: number
  /** Share of the time in which the event loop was busy since the last reading. */
  readonly utilization: number
}

/** In one of /proc's figures of time: USER_HZ, which is 100 on every system that Node runs on. */
const TICKS_PER_SECOND = 100

/** Begins to watch this thread. The observer lives until `stop`. */
export function watchThread(): { read(): ThreadFigures; stop(): void } {
  let gcCount = 0
  let gcPauseNs = 0
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) {
      gcCount++
      gcPauseNs += Math.round(duration * 1e6)
    }
  })
  let read = performance.eventLoopUtilization()
  observer.observe({ entryTypes: ['gc'] })
  return {
    read: () => {
      const { utilization } = performance.eventLoopUtilization(read)
      read = performance.eventLoopUtilization()
      // v8's own figure: process.memoryUsage() would read /proc for the resident size each time.
      const { used_heap_size: heapUsedBytes, external_memory } = getHeapStatistics()
      const memoryBytes = heapUsedBytes + external_memory
      const cpuSeconds = threadCpuSeconds()
      return { heapUsedBytes, memoryBytes, cpuSeconds, gcCount, gcPauseNs, utilization }
    },
    stop: () => observer.disconnect(),
  }
}

/** Linux tells it of the thread that reads this file (proc_pid_stat(5): utime and stime). */
function threadCpuSeconds(): number | undefined {
  let stat: string
  try {
    stat = readFileSync('/proc/thread-self/stat', 'latin1')
  } catch {
    return undefined
  }
  // The second field is a name in parentheses, which may hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}
