// The documents whose shape is fixed, and their JSON schemas. The build makes a serializer of each schema
// (scripts/serializers.ts), so that no thread compiles schemas when it starts. Pure.

/** Of each document what goes into it. */
export interface Documents {
  /** GET /health. */
  readonly health: {
    readonly message: string
    readonly timestamp: number
    readonly alloc: string
    readonly sys: string
    readonly num_gc: number
    readonly pause_total_ns: number
    readonly threads: number
    readonly subscribers: number
    readonly uptime_s: number
    readonly version: string
  }
  /** GET /ready. */
  readonly ready: {
    readonly ready: boolean
    readonly reason: string
    readonly sources?: readonly { name: string; state: string; since: number }[] | undefined
  }
  /** Any answer that is an error (RFC 9457). */
  readonly problem: {
    readonly type: string
    readonly title: string
    readonly status: number
    readonly detail: string
    readonly code: string
  }
  /** POST /publish. */
  readonly accepted: { readonly accepted: number }
}

const integer = { type: 'integer' } as const
const string = { type: 'string' } as const

export const schemas: { readonly [name in keyof Documents]: object } = {
  health: {
    type: 'object',
    properties: {
      message: string,
      timestamp: integer,
      alloc: string,
      sys: string,
      num_gc: integer,
      pause_total_ns: integer,
      threads: integer,
      subscribers: integer,
      uptime_s: integer,
      version: string,
    },
  },
  ready: {
    type: 'object',
    properties: {
      ready: { type: 'boolean' },
      reason: string,
      sources: {
        type: 'array',
        items: { type: 'object', properties: { name: string, state: string, since: integer } },
      },
    },
  },
  problem: {
    type: 'object',
    properties: { type: string, title: string, status: integer, detail: string, code: string },
  },
  accepted: { type: 'object', properties: { accepted: integer } },
}
