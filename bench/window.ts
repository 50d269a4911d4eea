// The measured part of a run: subscribers connect, and between two moments their deliveries are
// counted beside what the server used.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cores } from './cores.ts'
import { nowUs } from './load/clock.ts'
import type { SubscriberFleet } from './load/fleet.ts'
import type { Address } from './load/message.ts'
import { type Reading, startMeter } from './meter.ts'
import type { Peer } from './peer.ts'
import type { Measurement } from './result.ts'
import { usageOf } from './usage.ts'

export type Figures = Omit<Measurement, 'case' | 'server' | 'round' | 'load'>

/** Not measured: code is compiled and buffers grow meanwhile. */
export const WARM_SECONDS = 1
/** Connected, a server still allocates and frees. */
const SETTLE_MS = 1_000
/** Nothing delivered for so long after the last answer: what is missing is lost. */
const QUIET_US = 1_500_000
const LOOK_MS = 20

type Present<T> = { [Name in keyof T]?: Exclude<T[Name], undefined> }

/** Without the members that are undefined: a result has no such. */
export function present<T extends object>(members: T): Present<T> {
  const entries = Object.entries(members).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as Present<T>
}

/** Host and port of an http URL. */
export function addressOf(url: string, header?: string): Address {
  const { hostname, port } = new URL(url)
  const headers = header === undefined ? '' : `${header}\r\n`
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80), headers }
}

export function usedBy(reading: Reading) {
  const { seconds, limit, loadCpu, otherCpu, serverCpu, residentMebibytes } = reading
  return { seconds, limit, loadCpu, ...present({ serverCpu, otherCpu, residentMebibytes }) }
}

/** Connects a fleet of so many subscribers, and measures what they cost while they are idle. */
export async function connectFleet(
  server: Peer,
  fleet: SubscriberFleet,
  subscribers: number,
  cores: Cores,
): Promise<Figures> {
  const before = usageOf(server.pid)
  const meter = startMeter(server, cores)
  const untilLastMs = await fleet.connect()
  const reading = meter()
  await sleep(SETTLE_MS)
  const after = usageOf(server.pid)
  const kibibytesPerSubscriber =
    after && before && (after.residentBytes - before.residentBytes) / 1024 / subscribers
  const residentMebibytes = after && after.residentBytes / 2 ** 20
  return {
    ...usedBy({ ...reading, residentMebibytes }),
    ...present({ untilLastMs, kibibytesPerSubscriber }),
  }
}

/** Counts for so many seconds, from now. */
export async function measureWindow(
  server: Peer,
  fleet: SubscriberFleet,
  windowSeconds: number,
  cores: Cores,
): Promise<Figures> {
  const meter = startMeter(server, cores)
  const { deliveries, bytes } = fleet
  await sleep(windowSeconds * 1000)
  const reading = meter()
  const delivered = fleet.deliveries - deliveries
  const { serverCpuSeconds, seconds } = reading
  const serverCpuUsPerDelivery =
    serverCpuSeconds === undefined || delivered === 0
      ? undefined
      : (serverCpuSeconds * 1e6) / delivered
  return {
    ...usedBy(reading),
    deliveriesPerSecond: delivered / seconds,
    megabytesPerSecond: (fleet.bytes - bytes) / 1e6 / seconds,
    ...present({ serverCpuUsPerDelivery }),
  }
}

/** What is missed is lost, or, where deliveries were still coming, only not there yet. */
export function lostOrBehind(missed: number, isDrained: boolean): Partial<Figures> {
  return isDrained || missed === 0 ? { lost: missed } : { behind: missed }
}

/**
 * Waits until so many are delivered, or nothing comes any more.
 * @param giveUpUs of the clock in load/clock.ts
 * @returns false where deliveries were still coming after they were given up
 */
export async function drain(
  fleet: SubscriberFleet,
  expected: number,
  giveUpUs: number,
): Promise<boolean> {
  let deliveries: number | undefined
  let movedUs = nowUs()
  while (fleet.deliveries < expected) {
    const now = nowUs()
    if (fleet.deliveries !== deliveries) {
      // Only one that comes after it shows that there was more to come.
      if (deliveries !== undefined && now > giveUpUs) return false
      movedUs = now
      deliveries = fleet.deliveries
    } else if (now - movedUs > QUIET_US) return true
    await sleep(LOOK_MS)
  }
  // One more than was expected would be a fault, too, and needs a moment to come.
  await sleep(LOOK_MS)
  return true
}
