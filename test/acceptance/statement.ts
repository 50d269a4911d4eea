// One statement of the streaming API as a test with limits of its own: no server can make it hang.
import { it, type TestContext } from 'node:test'

/**
 * What each answer and each first message may take. The original keeps the head until its first
 * message, or for 15 s. STREAM_TIMEOUT is in seconds; NaN where it is not a number.
 */
export const LIMIT_MS = Number(process.env['STREAM_TIMEOUT'] || 20) * 1000

/** How long messages are looked at, once they come. */
export const RECORD_MS = 6000

/** Waits inside have LIMIT_MS and say what was missing; the limit here is for what has none. */
export function must(rule: string, holds: (t: TestContext) => void | Promise<void>): void {
  it(rule, { timeout: 3 * LIMIT_MS + 3 * RECORD_MS }, holds)
}

/** Makes it when it is first asked for, and gives the same one ever after. */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
