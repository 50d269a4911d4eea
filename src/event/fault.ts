// What is wrong with an event, as a value: nothing on the way of an event throws.

/** Stable codes; http/problem.ts gives each its status. */
export type FaultCode =
  | 'invalid_utf8'
  | 'invalid_json'
  | 'not_an_object'
  | 'invalid_topic'
  | 'topic_too_long'
  | 'topic_too_deep'
  | 'invalid_event_name'
  | 'invalid_event_id'
  | 'invalid_retry'
  | 'invalid_line'
  | 'empty_batch'

/** A refused event: a code for programs, a sentence for people. */
export class Fault {
  readonly code: FaultCode
  readonly detail: string

  constructor(code: FaultCode, detail: string) {
    this.code = code
    this.detail = detail
  }
}
