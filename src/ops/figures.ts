// What a thread costs: heap and garbage collection, for /health. Any thread; one per thread.
import { PerformanceObserver } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'

/** Counts since the thread began to watch. */
export interface ThreadFigures {
  readonly heapUsedBytes: number
  readonly gcCount: number
  readonly gcPauseNs: number
  /** Share of the time in which the event loop was busy since the last reading. */
  readonly utilization: number
}

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
      const heapUsedBytes = getHeapStatistics().used_heap_size
      return { heapUsedBytes, gcCount, gcPauseNs, utilization }
    },
    stop: () => observer.disconnect(),
  }
}
