// Statements about scores: the single updates of /subscribe/raw, and /subscribe/eps, which counts
// them every 1/60 s.
import assert from 'node:assert/strict'
import { describe, type TestContext } from 'node:test'
import { align, type Pack, type Piece, type Update } from '../kit/packing.ts'
import { below, type Message, Stream } from '../kit/stream.ts'
import { assertReachesEventSource, messageStatements, record } from './message.ts'
import { LIMIT_MS, must, once } from './statement.ts'

const CODE_POINTS = /^[0-9A-F]{4,6}(-[0-9A-F]{4,6})*$/

/** Gives the record of /subscribe/raw, which knows the ids that are popular now. */
export function scoreStatements(base: URL): () => Promise<Stream> {
  const rawUrl = below(base, '/subscribe/raw')
  const epsUrl = below(base, '/subscribe/eps')
  // Both at once, for they are compared.
  const recorded = once(() => {
    const streams = [rawUrl, epsUrl].map((url) => record(new Stream(url, LIMIT_MS)))
    for (const stream of streams) stream.catch(() => {})
    return streams as [raw: Promise<Stream>, eps: Promise<Stream>]
  })
  const raw = (): Promise<Stream> => recorded()[0]
  const eps = (): Promise<Stream> => recorded()[1]

  describe('messages of /subscribe/raw', () => {
    messageStatements(raw, false)
    must('MUST each have one unified code point ID as data', async () => {
      for (const { data } of (await raw()).messages) assert.match(data, CODE_POINTS)
    })
    must('MUST reach an EventSource', async (t) => {
      await raw()
      await assertReachesEventSource(t, rawUrl)
    })
  })

  describe('messages of /subscribe/eps', () => {
    messageStatements(eps, false)
    must('MUST each be a JSON object of IDs and their increases', async () => {
      for (const message of (await eps()).messages) packOf(message)
    })
    must('MUST NOT be empty: where nothing was counted, none comes', async () => {
      for (const { data } of (await eps()).messages) assert.notDeepEqual(JSON.parse(data), {})
    })
    must('MUST NOT come more often than 60 times a second', async () => {
      const { messages } = await eps()
      const spanMs = messages.length > 1 ? lengthMs(messages) : 0
      // On a slow network those of an earlier second may come together with the first.
      const most = ((spanMs + 1000) * 60) / 1000
      assert.ok(messages.length <= most, `${messages.length} came in ${Math.round(spanMs)} ms`)
    })
    must('MUST count exactly what /subscribe/raw sends', async (t) => {
      const updates = (await raw()).messages.length
      const pieces = compare(await raw(), await eps())
      t.diagnostic(`${pieces.length} messages count ${updates} updates, but for those at the edges`)
    })
    must('SHOULD each count 1/60 s', (t) => assertPeriod(t, raw, eps))
    must('MUST reach an EventSource', async (t) => {
      await eps()
      await assertReachesEventSource(t, epsUrl)
    })
  })
  return raw
}

function packOf({ at, data }: Message): Pack {
  const counts: unknown = JSON.parse(data)
  assert.ok(typeof counts === 'object' && counts !== null && !Array.isArray(counts), data)
  for (const [id, count] of Object.entries(counts)) {
    assert.match(id, CODE_POINTS)
    assert.ok(Number.isInteger(count) && count > 0, `${id} in ${data}`)
  }
  return { at, counts: new Map(Object.entries(counts)) }
}

/** The updates that each pack counts; see there for what is exact in it. */
function compare(raw: Stream, eps: Stream): readonly Piece[] {
  const from = Math.max(raw.openedAt, eps.openedAt)
  const to = Math.min(raw.closedAt, eps.closedAt)
  const updates = raw.messages.map(({ at, data }): Update => ({ at, id: data }))
  // That none is empty is a statement of its own.
  const packs = eps.messages.map(packOf).filter(({ counts }) => counts.size > 0)
  const isSeen = ({ at }: { readonly at: number }): boolean => at <= to
  const pieces = align(updates.filter(isSeen), packs.filter(isSeen), { from, to })
  assert.ok(pieces !== undefined, `${packs.length} messages do not count ${updates.length} updates`)
  assert.ok(pieces.length > 0, 'too quiet to compare; a longer STREAM_TIMEOUT sees more')
  return pieces
}

async function assertPeriod(
  t: TestContext,
  raw: () => Promise<Stream>,
  eps: () => Promise<Stream>,
): Promise<void> {
  const lengths = compare(await raw(), await eps()).map(({ updates }) => lengthMs(updates))
  const median = lengths.sort((one, other) => one - other)[lengths.length >> 1] as number
  t.diagnostic(`half of them count updates that came within ${median.toFixed(1)} ms`)
  // A network moves single messages apart, but not most of them by this much.
  assert.ok(median < 50, `half of them count over ${Math.round(median)} ms or more`)
}

function lengthMs(items: readonly { readonly at: number }[]): number {
  return (items.at(-1)?.at as number) - (items[0]?.at as number)
}
