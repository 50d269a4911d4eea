// Runs cases: load after load, round after round, the servers in turn in each of them, so that what
// slows the machine down for a while slows down all.
import type { Case, DayLoad, FanOutLoad, IngestLoad } from './case.ts'
import { assignCores, type Cores } from './cores.ts'
import { measureDay } from './day.ts'
import { type FanOut, measureFanOut, measureIdle } from './fanout.ts'
import { measureIngest } from './ingest.ts'
import { isInstalled, note } from './launch.ts'
import type { Selection } from './load/message.ts'
import { EVENT_BYTES_MIN } from './load/stamp.ts'
import { zipfWeights } from './load/zipf.ts'
import type { Options, PeerOption } from './option.ts'
import type { Peer } from './peer.ts'
import type { Measurement } from './result.ts'
import { standardPeers, startOurs } from './server.ts'
import { describeLoad, OURS } from './trial.ts'
import type { Figures } from './window.ts'

/** A server delivers less than this part of what was published, or later: it cannot follow. */
const FOLLOWS = 0.95
const LATE_P99_MS = 1_000
/** From so many events a second on, they come over several connections, as from a pool. */
const FAST_EVENTS_PER_SECOND = 1_000
const FAST_CONNECTIONS = 4
const GROUPS = 10

type Load = Case['full'][number]

/** The loads of a case that are run; those of the whole run where the short one has none. */
function loadsOf({ full, short }: Case, isFull: boolean): readonly Load[] {
  return isFull || short.length === 0 ? full : short
}

interface Step {
  readonly one: Case
  readonly load: Load
  readonly loadIndex: number
  readonly round: number
  readonly peer: PeerOption
}

/** All measurements that are asked for, in their order: A B A B. */
function planOf({ cases, isFull, rounds, peers }: Options): Step[] {
  return cases.flatMap((one) => {
    const servers: PeerOption[] = [{ name: OURS }, ...(one.isOursOnly === true ? [] : peers)]
    return loadsOf(one, isFull).flatMap((load, loadIndex) =>
      Array.from({ length: rounds }, (_, round) =>
        servers.map((peer) => ({ one, load, loadIndex, round, peer })),
      ).flat(),
    )
  })
}

/**
 * Runs all that the options ask for. What fails is noted, and the rest goes on.
 * @param tell says how far it is: a text, and a part of 1
 */
export async function runCases(
  options: Options,
  tell: (text: string, part: number) => void,
): Promise<{ measurements: Measurement[]; failed: number }> {
  const measurements: Measurement[] = []
  let failed = 0
  const missing = new Set<string>()
  /** Of a ladder and a server, the load that it could not follow. */
  const tops = new Map<string, number>()
  const plan = planOf(options)
  for (const [index, { one, load, loadIndex, round, peer }] of plan.entries()) {
    const key = `${one.name}, ${peer.name}`
    if (missing.has(peer.name) || missing.has(one.name)) continue
    if (loadIndex > (tops.get(key) ?? loadIndex)) continue
    if (one.kind === 'day' && !isInstalled('redis-server')) {
      note(`${one.name} is left out: it needs redis-server (Debian: redis-server)`)
      missing.add(one.name)
      continue
    }
    const shown = describeLoad({ ...load })
    tell(`${one.name} (${shown}), ${peer.name}, round ${round + 1}`, index / plan.length)
    const figures = await measure(one, load, peer, options).catch((error: unknown) => {
      note(`${key}: ${error instanceof Error ? error.message : error}`)
      failed++
      return 'failed' as const
    })
    if (figures === undefined) missing.add(peer.name)
    if (figures === undefined || figures === 'failed') continue
    const said = { threads: options.threads, ...load }
    measurements.push({ case: one.name, server: peer.name, round, load: said, ...figures })
    if (one.isLadder === true && !follows(load as FanOutLoad, figures)) tops.set(key, loadIndex)
  }
  return { measurements, failed }
}

function follows({ subscribers, eventsPerSecond }: FanOutLoad, figures: Figures): boolean {
  const { deliveriesPerSecond = 0, latency, errors = 0, unanswered = 0, behind = 0 } = figures
  const isAll = deliveriesPerSecond >= FOLLOWS * subscribers * eventsPerSecond
  return isAll && errors + unanswered + behind === 0 && (latency?.p99Ms ?? 0) < LATE_P99_MS
}

/** Undefined where the machine cannot have the peer. */
async function measure(
  one: Case,
  load: Load,
  peer: PeerOption,
  { threads: threadsAsked, seconds }: Options,
): Promise<Figures | undefined> {
  const threads = 'threads' in load && load.threads !== undefined ? load.threads : threadsAsked
  const cores = assignCores(threads)
  if (one.kind === 'day') return measureDay(threads, load as DayLoad, seconds, cores)
  const server = await start(peer, threads, cores)
  if (server === undefined) return undefined
  try {
    if (one.kind === 'ingest')
      return await measureIngest(server, load as IngestLoad, seconds, cores)
    const fanOut = fanOutOf(server, load as FanOutLoad, seconds, one.kind === 'storm')
    return one.kind === 'fan-out'
      ? await measureFanOut(server, fanOut, cores)
      : await measureIdle(server, fanOut, cores)
  } finally {
    await server.stop()
  }
}

async function start(peer: PeerOption, threads: number, cores: Cores): Promise<Peer | undefined> {
  const { name, subscribeUrl, publishUrl, header } = peer
  if (name === OURS) return startOurs(threads, cores)
  if (subscribeUrl === undefined || publishUrl === undefined) return standardPeers[name]?.()
  const stop = async (): Promise<void> => {}
  return { name, subscribeUrl, publishUrl, stop, ...(header === undefined ? {} : { header }) }
}

function fanOutOf(server: Peer, load: FanOutLoad, seconds: number, isAtOnce: boolean): FanOut {
  const { subscribers, stalled = 0, topics, parents = 0, pages = 0, scrapesPerSecond = 0 } = load
  // Subscribers only: a load without events.
  const { eventsPerSecond = 1, eventBytes = EVENT_BYTES_MIN } = load
  const own = [selection(pathOf(server.subscribeUrl), subscribers, 0, 1)]
  return {
    stalled,
    onlookers: { pages, scrapesPerSecond },
    isAtOnce,
    eventsPerSecond,
    eventBytes,
    seconds,
    connections: eventsPerSecond >= FAST_EVENTS_PER_SECOND ? FAST_CONNECTIONS : 1,
    selections: topics === undefined ? own : topicSelections(subscribers, topics, parents),
    targets: topics === undefined ? [pathOf(server.publishUrl)] : topicTargets(topics),
    weights: topics === undefined ? [1] : zipfWeights(topics),
  }
}

function pathOf(url: string): string {
  const { pathname, search } = new URL(url)
  return pathname + search
}

function selection(path: string, count: number, fromTopic: number, toTopic: number): Selection {
  return { path, count, fromTopic, toTopic }
}

function topicName(topic: number, topics: number): string {
  return `bench/group${Math.floor((topic * GROUPS) / topics)}/topic${topic}`
}

function topicTargets(topics: number): string[] {
  return Array.from({ length: topics }, (_, topic) => `/publish/${topicName(topic, topics)}`)
}

/** Every topic has its own subscribers; parents see all, or all of a group. */
function topicSelections(subscribers: number, topics: number, parents: number): Selection[] {
  const own = Array.from({ length: topics }, (_, topic) => {
    const path = `/subscribe/${topicName(topic, topics)}`
    return selection(path, Math.floor(subscribers / topics), topic, topic + 1)
  })
  const size = topics / GROUPS
  const groups = Array.from({ length: GROUPS }, (_, group) => {
    const path = `/subscribe/bench/group${group}`
    return selection(path, Math.floor(parents / 2 / GROUPS), group * size, (group + 1) * size)
  })
  return [...own, ...groups, selection('/subscribe/bench', Math.ceil(parents / 2), 0, topics)]
}
