// What /ready and the status say of a server.
import type { Server } from './server.ts'

export interface Ready {
  readonly ready: boolean
  readonly reason: string
  readonly sources: readonly { name: string; state: string; since: number }[]
}

export async function readiness(server: Server): Promise<[status: number, body: Ready]> {
  const response = await fetch(`${server.url}/ready`)
  return [response.status, (await response.json()) as Ready]
}

/** Is it so? For `until`. */
export async function isReady(server: Server): Promise<boolean> {
  return (await readiness(server))[0] === 200
}

export interface SourceRow {
  readonly state: string
  readonly since: number
  readonly error: string | null
  readonly connects: number
  readonly msgs_received: number
  readonly msgs_refused: number
  readonly msgs_replaced: number
  readonly msgs_dropped: number
}

/** The row of the one source in the status document. */
export async function sourceOf(server: Server): Promise<SourceRow> {
  const response = await fetch(`${server.url}/admin/status.json`)
  const { sources } = (await response.json()) as { sources: SourceRow[] }
  const [source] = sources
  if (source === undefined) throw new Error('the status has no source')
  return source
}
