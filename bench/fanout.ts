// One fan-out measurement: subscribers connect, events go out as they are due, and every delivery is
// accounted for. The work is done by the threads of load/; this is their conductor.
import { setTimeout as sleep } from 'node:timers/promises'
import { settle } from './account.ts'
import type { Cores } from './cores.ts'
import { nowUs } from './load/clock.ts'
import { publish, SubscriberFleet } from './load/fleet.ts'
import { LatencyHistogram } from './load/histogram.ts'
import type { PublisherReport, Schedule, Selection } from './load/message.ts'
import { look, type Onlookers } from './onlooker.ts'
import type { Peer } from './peer.ts'
import {
  addressOf,
  connectFleet,
  drain,
  type Figures,
  lostOrBehind,
  measureWindow,
  present,
  WARM_SECONDS,
} from './window.ts'

export interface FanOut {
  /** Every subscriber reads what its selection's topics get. */
  readonly selections: readonly Selection[]
  /** Further subscribers of the first selection that never read. */
  readonly stalled: number
  readonly onlookers: Onlookers
  /** Connect without waiting for those before. */
  readonly isAtOnce: boolean
  readonly eventsPerSecond: number
  readonly eventBytes: number
  /** Where events are published, one for each topic, and how often relative to each other. */
  readonly targets: readonly string[]
  readonly weights: readonly number[]
  /** Of the publisher. */
  readonly connections: number
  readonly seconds: number
}

/** From the schedule's making until its first event: the publisher's thread starts meanwhile. */
const LEAD_US = 800_000
/** After the last event was due, a server that is behind has so long to answer and to deliver. */
export const CATCH_UP_US = 5_000_000

/** When events are due that are measured for so many seconds. */
export function scheduleOf(eventsPerSecond: number, seconds: number): Schedule {
  const count = Math.ceil((WARM_SECONDS + seconds) * eventsPerSecond)
  const startUs = nowUs() + LEAD_US
  const periodUs = 1e6 / eventsPerSecond
  return {
    startUs,
    periodUs,
    count,
    fromNumber: Math.ceil(WARM_SECONDS * eventsPerSecond),
    toNumber: count,
    giveUpUs: startUs + count * periodUs + CATCH_UP_US,
  }
}

/** How long to wait until the first event that is measured. */
export function untilMeasuredMs({ startUs }: Schedule): number {
  return (startUs - nowUs()) / 1000 + WARM_SECONDS * 1000
}

/** Subscribers only: their memory, or, all at once, how long it took until the last was served. */
export async function measureIdle(server: Peer, load: FanOut, cores: Cores): Promise<Figures> {
  const fleet = await startFleet(server, load, cores)
  try {
    const figures = await connectFleet(server, fleet, subscribersOf(load), cores)
    // Each as it is meant: a storm leaves garbage behind, and else connecting takes turns.
    const { untilLastMs, kibibytesPerSubscriber, ...rest } = figures
    return { ...rest, ...present(load.isAtOnce ? { untilLastMs } : { kibibytesPerSubscriber }) }
  } finally {
    await fleet.stop()
  }
}

export async function measureFanOut(server: Peer, load: FanOut, cores: Cores): Promise<Figures> {
  const fleet = await startFleet(server, load, cores)
  try {
    await fleet.connect()
    const schedule = scheduleOf(load.eventsPerSecond, load.seconds)
    fleet.schedule(schedule)
    const { targets, weights, eventBytes, connections, seconds, selections } = load
    const address = addressOf(server.publishUrl, server.header)
    const task = { ...address, targets, weights, eventBytes, connections, schedule }
    const window = async (): Promise<Figures> => {
      const stopLooking = look(server.subscribeUrl, load.onlookers)
      await sleep(untilMeasuredMs(schedule))
      const figures = await measureWindow(server, fleet, seconds, cores)
      await stopLooking()
      return figures
    }
    const [report, figures] = await Promise.all([publish({ ...task, protocol: 'http' }), window()])
    const due = selections.map((selection) => dueTo(selection, report))
    // What had no good answer may be delivered all the same: then nobody knows how many will come.
    const expected =
      report.errors + report.unanswered > 0
        ? Number.POSITIVE_INFINITY
        : total(selections.map(({ count }, index) => count * (due[index] as number)))
    const isDrained = await drain(fleet, expected, schedule.giveUpUs)
    const reports = await fleet.finish()
    const { missed, ...account } = settle(reports, due)
    const latency = new LatencyHistogram(reports.map((thread) => thread.latency)).summary()
    const publisherLateP99Ms = new LatencyHistogram([report.lateness]).summary()?.p99Ms
    return {
      ...figures,
      ...account,
      ...lostOrBehind(missed, isDrained),
      publishedPerSecond: report.acceptedMeasured / seconds,
      errors: report.errors,
      unanswered: report.unanswered,
      ...present({ latency, publisherLateP99Ms }),
    }
  } finally {
    await fleet.stop()
  }
}

function startFleet(server: Peer, load: FanOut, cores: Cores): Promise<SubscriberFleet> {
  const { selections, stalled, eventBytes, connections, isAtOnce } = load
  const task = {
    ...addressOf(server.subscribeUrl),
    marking: 'stamp' as const,
    publishers: connections,
    selections,
    stalled,
    eventBytes,
    isAtOnce,
  }
  return SubscriberFleet.start(task, cores.load)
}

function total(counts: Iterable<number>): number {
  let sum = 0
  for (const count of counts) sum += count
  return sum
}

function subscribersOf({ selections }: FanOut): number {
  return total(selections.map(({ count }) => count))
}

/** Deliveries that one subscriber of the selection should have had. */
function dueTo({ fromTopic, toTopic }: Selection, { accepted }: PublisherReport): number {
  return total(accepted.subarray(fromTopic, toTopic))
}
