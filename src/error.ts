// The one error of starting and running a dispatcher: what an operator can cause and mend.
// Used in the main thread. What an HTTP client can cause is a Fault (event/fault.ts), never thrown.

/** Why a dispatcher could not start, go on, or do what it was asked. Stable: scripts may rely on it. */
export type ErrorCode =
  | 'unknown_option'
  | 'bad_value'
  | 'bad_config_file'
  | 'port_in_use'
  | 'cannot_listen'
  | 'shard_failed'
  | 'no_addon_folder'
  | 'certificate_not_renewed'
  | 'bad_event'
  | 'stopped'
  | 'source_unreachable'

/** Thrown by {@link carillon} and what it returns; `message` is one line that an operator can act on. */
export class CarillonError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CarillonError'
    this.code = code
  }

  /** The process's exit status: 2 for options that cannot be used, 1 for everything else. */
  get exitCode(): 1 | 2 {
    const usage = ['unknown_option', 'bad_value', 'bad_config_file'].includes(this.code)
    return usage ? 2 : 1
  }
}

/** What somebody else's error says; anything can be thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
