// Holds the packed counts of /subscribe/eps against the single updates of /subscribe/raw, seen on
// two connections that neither open at one instant nor take equally long.

export interface Update {
  /** performance.now() when it came. */
  readonly at: number
  readonly id: string
}

export interface Pack {
  readonly at: number
  readonly counts: ReadonlyMap<string, number>
}

/** The updates that one pack counts. */
export interface Piece {
  readonly pack: Pack
  readonly updates: readonly Update[]
}

/** performance.now() from and to which both connections were open. */
export interface Span {
  readonly from: number
  readonly to: number
}

/**
 * What one connection may be behind the other, and the subscription behind the head, in ms. Small
 * beside the span: counting twice from one edge on must not reach the other.
 */
export const EDGE_MS = 1000

/**
 * Both streams come from one sequence of updates, so that time is not needed to compare them: at
 * the right places to begin, the first pack counts exactly the next updates of the sequence, the
 * second those that follow, and so on. Where to begin is not known, so all places are tried.
 * That is exact but for the edges: only within EDGE_MS of the span's ends may a stream have what
 * the other has not. Without that bound, counting everything twice would pass where all updates
 * are of one id. A server with several nodes is held to it too: each has the updates in the order
 * in which its source published them.
 *
 * @returns the pieces in order; undefined when the packs do not count the updates
 */
export function align(
  updates: readonly Update[],
  packs: readonly Pack[],
  span: Span,
): readonly Piece[] | undefined {
  for (const pack of places(packs, span)) {
    for (const update of places(updates, span)) {
      const pieces = alignFrom(updates, update, packs.slice(pack), span)
      if (pieces !== undefined) return pieces
    }
  }
  return undefined
}

/** How many may be left out at the beginning: none, one, two, ... */
function places(items: readonly { readonly at: number }[], { from }: Span): number[] {
  const free = items.findIndex(({ at }) => at > from + EDGE_MS)
  return Array.from({ length: (free === -1 ? items.length : free) + 1 }, (_, place) => place)
}

function alignFrom(
  updates: readonly Update[],
  first: number,
  packs: readonly Pack[],
  { to }: Span,
): readonly Piece[] | undefined {
  const pieces: Piece[] = []
  let next = first
  for (const pack of packs) {
    const piece = updates.slice(next, next + total(pack))
    // The pack counts more than was seen.
    if (piece.length < total(pack)) break
    if (!isCountedBy(piece, pack)) return undefined
    pieces.push({ pack, updates: piece })
    next += piece.length
  }
  const left = [packs[pieces.length], updates[next]]
  return left.every((item) => item === undefined || item.at >= to - EDGE_MS) ? pieces : undefined
}

function total({ counts }: Pack): number {
  let sum = 0
  for (const count of counts.values()) sum += count
  return sum
}

/** They are as many as the pack counts; so no id may be more often than counted. */
function isCountedBy(updates: readonly Update[], { counts }: Pack): boolean {
  const seen = new Map<string, number>()
  for (const { id } of updates) {
    const times = (seen.get(id) ?? 0) + 1
    if (times > (counts.get(id) ?? 0)) return false
    seen.set(id, times)
  }
  return true
}
