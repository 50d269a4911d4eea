// What a client did wrong, as RFC 9457 problem details: one table of codes, statuses and titles.
// docs/protocol.md lists the same codes; a test holds them together.
import { serialize } from '../document/serialize.ts'
import type { FaultCode } from '../event/fault.ts'
import type { Refusal } from '../shard/shard.ts'

/** Stable codes in the `code` member of every error answer. */
export type ProblemCode =
  | FaultCode
  | Refusal
  | 'bad_request_head'
  | 'body_too_large'
  | 'forbidden'
  | 'token_missing'
  | 'token_malformed'
  | 'token_unknown'
  | 'token_not_enough'
  | 'admin_disabled'
  | 'not_found'
  | 'too_many_connections'
  | 'too_many_streams'
  | 'too_many_publishes'
  | 'url_too_long'
  | 'invalid_query'
  | 'starting'
  | 'method_not_allowed'

/** Of each code the status line and the title. */
export const problems: { readonly [C in ProblemCode]: readonly [status: string, title: string] } = {
  invalid_utf8: ['400 Bad Request', 'Not valid UTF-8'],
  invalid_json: ['400 Bad Request', 'Not valid JSON'],
  not_an_object: ['400 Bad Request', 'Not a JSON object'],
  invalid_topic: ['400 Bad Request', 'Topic cannot be used'],
  topic_too_long: ['400 Bad Request', 'Topic is too long'],
  topic_too_deep: ['400 Bad Request', 'Topic has too many segments'],
  invalid_event_name: ['400 Bad Request', 'Event name cannot be used'],
  invalid_event_id: ['400 Bad Request', 'Event id cannot be used'],
  invalid_retry: ['400 Bad Request', 'Retry cannot be used'],
  invalid_line: ['400 Bad Request', 'A line of the batch is bad; nothing was published'],
  empty_batch: ['400 Bad Request', 'Batch is empty'],
  invalid_query: ['400 Bad Request', 'Query cannot be used'],
  bad_request_head: ['400 Bad Request', 'Request head cannot be trusted'],
  token_malformed: ['400 Bad Request', 'Token cannot be read'],
  token_missing: ['401 Unauthorized', 'A token is needed'],
  token_unknown: ['401 Unauthorized', 'Token is not known'],
  token_not_enough: ['403 Forbidden', 'Token is for something else'],
  forbidden: ['403 Forbidden', 'Not allowed from here'],
  admin_disabled: ['403 Forbidden', 'admin endpoint disabled'],
  not_found: ['404 Not Found', 'Unknown path'],
  method_not_allowed: ['405 Method Not Allowed', 'Method not allowed'],
  body_too_large: ['413 Content Too Large', 'Body is too large'],
  url_too_long: ['414 URI Too Long', 'Path and query are too long'],
  too_many_streams: ['429 Too Many Requests', 'Address has too many streams'],
  too_many_publishes: ['429 Too Many Requests', 'Address publishes too often'],
  too_many_connections: ['503 Service Unavailable', 'Too many connections'],
  starting: ['503 Service Unavailable', 'Server is starting'],
  overloaded: ['503 Service Unavailable', 'Publishing faster than events can be delivered'],
  draining: ['503 Service Unavailable', 'Server is stopping'],
}

/** The body of a problem. `type` is about:blank: the code says it, and no page has to exist. */
export function problemBody(code: ProblemCode, detail: string): string {
  const [status, title] = problems[code]
  return serialize.problem({
    type: 'about:blank',
    title,
    status: Number.parseInt(status, 10),
    detail,
    code,
  })
}
