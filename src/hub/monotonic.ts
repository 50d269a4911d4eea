// A clock that all threads share and nobody can set: performance.now() begins anew in each thread,
// and Date.now() is the system's.

/** Ms since some moment in the past, the same for all threads of the machine. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1000 + nanoseconds / 1e6
}
