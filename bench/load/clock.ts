// One clock for all threads of the load client: monotonic, in µs.

// Each thread's performance.now() starts at another time; what it is ahead by is constant.
const aheadUs = Number(process.hrtime.bigint() / 1000n) - performance.now() * 1000

/** Cheaper than hrtime.bigint(), which makes a BigInt each time. */
export function nowUs(): number {
  return performance.now() * 1000 + aheadUs
}
