// What a violated invariant says: its name, and which subscriber, which event, what was expected.

export type ViolationName =
  /** An event that a subscriber should have had did not come. */
  | 'lost'
  /** An event came twice. */
  | 'doubled'
  /** Two subscribers, or two threads of them, had events in different orders. */
  | 'order'
  /** An event that was answered 200 came to nobody. */
  | 'undelivered'
  /** A publisher got another answer than 200 or 503, or none. */
  | 'answer'
  /** A subscriber could not subscribe. */
  | 'refused'
  /** The server closed a subscriber that no rule closes. */
  | 'closed'
  /** Resident memory is over its bound, or did not come back. */
  | 'memory'
  /** Open files are over their bound, or did not come back. */
  | 'descriptors'
  /** The log has a line that it must not have. */
  | 'log'
  /** /health took too long, or had another answer than 200. */
  | 'health'
  /** The process ended by itself, or not with code 0. */
  | 'exit'
  /** What a scenario waited for did not come about. */
  | 'waited'
  /** What a scenario itself checks does not hold. */
  | 'expected'

export class Violation extends Error {
  readonly violation: ViolationName
  readonly detail: string

  constructor(violation: ViolationName, detail: string) {
    super(`[${violation}] ${detail}`)
    this.name = 'Violation'
    this.violation = violation
    this.detail = detail
  }
}

export type Report = (violation: ViolationName, detail: string) => void
