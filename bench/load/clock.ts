// One clock for all threads of the load client: monotonic, in µs.

/** Of so many looks at both clocks, one at least is not cut in two by another thread's turn. */
const LOOKS = 32

// Each thread's performance.now() starts at another time; what it is ahead by is constant.
const aheadUs = Math.max(
  ...Array.from({ length: LOOKS }, () => {
    // A turn of another between the two makes this less.
    const us = Number(process.hrtime.bigint() / 1000n)
    return us - performance.now() * 1000
  }),
)

/** Cheaper than hrtime.bigint(), which makes a BigInt each time. */
export function nowUs(): number {
  return performance.now() * 1000 + aheadUs
}
