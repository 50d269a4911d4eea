// The URLs of a Redis: one server, the master that Sentinels know, a Cluster. Parsed and redacted.
// Pure. redis:// and rediss:// are IANA's; the forms with a list of nodes are described in
// docs/operations.md.

export interface RedisNode {
  readonly host: string
  readonly port: number
}

export interface RedisAddress {
  readonly kind: 'single' | 'sentinel' | 'cluster'
  readonly isTls: boolean
  /** The server; or the Sentinels; or nodes of the Cluster to begin with. At least one. */
  readonly nodes: readonly RedisNode[]
  readonly username: string | undefined
  readonly password: string | undefined
  readonly database: number
  /** The master's name, with Sentinels. */
  readonly master: string | undefined
}

const URL_FORM =
  /^redis(s?)(?:\+(sentinel|cluster))?:\/\/(?:([^:/]*)(?::([^/]*))?@)?([^@/]+)(\/[^?#@]*)?$/
const NODE_FORM = /^(\[[\da-f:.]+\]|[^\s:[\]?#]+)(?::(\d{1,5}))?$/i
const REDIS_PORT = 6379
const SENTINEL_PORT = 26_379

/**
 * `redis[s]://[user[:password]@]host[:port][/db]`, and with several nodes
 * `redis[s]+sentinel://…host[:port],host[:port]/master[/db]` and `redis[s]+cluster://…host,host`.
 * @returns undefined for anything else
 */
export function parseRedisUrl(text: string): RedisAddress | undefined {
  const parts = URL_FORM.exec(text)
  if (parts === null) return undefined
  const [, tls, form, user, secret, hosts = '', path = ''] = parts
  const kind = (form ?? 'single') as RedisAddress['kind']
  const port = kind === 'sentinel' ? SENTINEL_PORT : REDIS_PORT
  const nodes = hosts.split(',').map((node) => nodeOf(node, port))
  const segments = path
    .split('/')
    .slice(1)
    .filter((segment) => segment !== '')
  const master = kind === 'sentinel' ? decoded(segments.shift()) : undefined
  const database = segments.shift() ?? '0'
  const username = decoded(user)
  const password = decoded(secret)
  const isWrong =
    !nodes.every((node) => node !== undefined) ||
    (kind === 'single' && nodes.length !== 1) ||
    (kind === 'sentinel' && !master) ||
    (kind === 'cluster' && database !== '0') ||
    !/^\d{1,4}$/.test(database) ||
    segments.length > 0 ||
    [username, password, master].includes(null)
  if (isWrong) return undefined
  return {
    kind,
    isTls: tls === 's',
    nodes: nodes as RedisNode[],
    username: username || undefined,
    password: password || undefined,
    database: Number(database),
    master: master ?? undefined,
  }
}

export function isRedisUrl(text: string): boolean {
  return parseRedisUrl(text) !== undefined
}

/** The URL without its password: for logs, errors and the status. */
export function redactUrl(text: string): string {
  // Up to the last @: a password with a bare @ or / in it is still a password.
  const redacted = text.replace(/^([^:]*:\/\/)?(.*)@/s, (_, scheme = '', credentials: string) => {
    const colon = credentials.indexOf(':')
    return `${scheme}${colon === -1 ? '***' : `${credentials.slice(0, colon)}:***`}@`
  })
  // We take no query, but an error shows one, and other clients take ?password= there.
  return redacted.replace(/\?[^@]*$/, '?***')
}

function nodeOf(text: string, defaultPort: number): RedisNode | undefined {
  const parts = NODE_FORM.exec(text)
  if (parts === null) return undefined
  const port = parts[2] === undefined ? defaultPort : Number(parts[2])
  const host = (parts[1] as string).replace(/^\[|\]$/g, '')
  return port > 0 && port <= 65_535 ? { host, port } : undefined
}

/** Null where the percent-encoding is not UTF-8. */
function decoded(text: string | undefined): string | null | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text)
  } catch {
    return null
  }
}
