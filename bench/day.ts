// A day of emojitracker: Redis, its feeder and our server with the preset of that name. Subscribers
// of scores, of counts 60 times a second and of single emoji take all there is; the latency is that
// of stamped messages, which go the same way: through Redis.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../scripts/free-port.ts'
import { settle } from './account.ts'
import type { DayLoad } from './case.ts'
import type { Cores } from './cores.ts'
import { CATCH_UP_US, scheduleOf, untilMeasuredMs } from './fanout.ts'
import { owned } from './launch.ts'
import { nowUs } from './load/clock.ts'
import { publish, SubscriberFleet } from './load/fleet.ts'
import { LatencyHistogram } from './load/histogram.ts'
import { startOurs } from './server.ts'
import { addressOf, drain, type Figures, lostOrBehind, measureWindow, present } from './window.ts'

const FEEDER = fileURLToPath(new URL('../scripts/feeder.ts', import.meta.url))
/** The most tweeted, whose details have subscribers. */
const EMOJI = [
  '1F602',
  '2764',
  '1F60D',
  '267B',
  '1F62D',
  '2665',
  '1F60A',
  '1F495',
  '1F612',
  '1F618',
]
const PROBE = 'BENCH'
const PROBE_SUBSCRIBERS = 10
const PROBE_EVENTS_PER_SECOND = 50
const PROBE_BYTES = 150
/** The feeder ends after the window: what it has published by then is what raw must have. */
const FEEDER_MORE_SECONDS = 2
const REDIS_START_MS = 5_000

function run(command: string, args: readonly string[]): ChildProcess {
  return owned(spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] }))
}

async function listening(port: number): Promise<void> {
  for (const deadline = Date.now() + REDIS_START_MS; Date.now() < deadline; await sleep(20)) {
    const socket = connect(port, '127.0.0.1')
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (isOpen) return
  }
  throw new Error(`redis-server does not listen within ${REDIS_START_MS} ms`)
}

/** Runs the feeder to its end. @returns how many updates it has published */
async function feed(url: string, updatesPerSecond: number, seconds: number): Promise<number> {
  const rate = ['--rate', `${updatesPerSecond}`, '--seconds', `${seconds}`]
  const args = ['--import', 'tsx', FEEDER, '--redis', url, '--seed', '1', '--verbose', ...rate]
  const child = run(process.execPath, args)
  let output = ''
  child.stderr?.on('data', (chunk) => {
    output += chunk
  })
  const [code] = await once(child, 'close')
  const published = [...output.matchAll(/(\d+) updates published/g)].at(-1)?.[1]
  if (code !== 0 || published === undefined) throw new Error(`the feeder failed: ${output.trim()}`)
  return Number(published)
}

export async function measureDay(
  threads: number,
  load: DayLoad,
  seconds: number,
  cores: Cores,
): Promise<Figures> {
  const port = await freePort()
  const flags = ['--bind', '127.0.0.1', '--port', `${port}`, '--save', '', '--appendonly', 'no']
  const redis = run('redis-server', flags)
  try {
    await listening(port)
    return await withRedis(port, threads, load, seconds, cores)
  } finally {
    redis.kill('SIGTERM')
    await once(redis, 'close')
  }
}

async function withRedis(
  port: number,
  threads: number,
  load: DayLoad,
  seconds: number,
  cores: Cores,
): Promise<Figures> {
  const url = `redis://127.0.0.1:${port}`
  const server = await startOurs(threads, cores, ['--preset', 'emojitracker', '--redis-url', url])
  const perEmoji = Math.ceil(load.detailsSubscribers / EMOJI.length)
  const selections = [
    select('raw', load.rawSubscribers),
    select('eps', load.epsSubscribers),
    ...EMOJI.map((id) => select(`details/${id}`, perEmoji)),
  ]
  const address = addressOf(server.subscribeUrl)
  const task = { ...address, stalled: 0, isAtOnce: false, publishers: 1, eventBytes: PROBE_BYTES }
  const bulk = await SubscriberFleet.start({ ...task, marking: 'data', selections }, cores.load)
  const probes = [select(`details/${PROBE}`, PROBE_SUBSCRIBERS)]
  const probe = await SubscriberFleet.start({ ...task, marking: 'stamp', selections: probes }, 1)
  try {
    await bulk.connect()
    await probe.connect()
    const schedule = scheduleOf(PROBE_EVENTS_PER_SECOND, seconds)
    probe.schedule(schedule)
    const leadSeconds = Math.ceil(untilMeasuredMs(schedule) / 1000)
    const published = publish({
      host: '127.0.0.1',
      port,
      headers: '',
      protocol: 'redis',
      targets: [`stream.tweet_updates.${PROBE}`],
      weights: [1],
      eventBytes: PROBE_BYTES,
      connections: 1,
      schedule,
    })
    const window = async (): Promise<Figures> => {
      await sleep(untilMeasuredMs(schedule))
      return measureWindow(server, bulk, seconds, cores)
    }
    const feederSeconds = leadSeconds + seconds + FEEDER_MORE_SECONDS
    const fed = feed(url, load.updatesPerSecond, feederSeconds)
    const [updates, report, figures] = await Promise.all([fed, published, window()])
    const probed = report.accepted.reduce((sum, accepted) => sum + accepted * PROBE_SUBSCRIBERS, 0)
    const isProbeDrained = await drain(probe, probed, nowUs() + CATCH_UP_US)
    // How many frames of counts there will be, nobody knows: until nothing comes.
    const isBulkDrained = await drain(bulk, Number.POSITIVE_INFINITY, nowUs() + CATCH_UP_US)
    const threadsOfProbe = await probe.finish()
    const bulkAccount = settle(await bulk.finish(), [
      updates,
      ...selections.slice(1).map(() => undefined),
    ])
    const probeAccount = settle(threadsOfProbe, [report.accepted[0]])
    const latency = new LatencyHistogram(threadsOfProbe.map((thread) => thread.latency)).summary()
    return {
      ...figures,
      publishedPerSecond: updates / feederSeconds,
      ...lostOrBehind(bulkAccount.missed + probeAccount.missed, isBulkDrained && isProbeDrained),
      orderErrors: bulkAccount.orderErrors + probeAccount.orderErrors,
      closed: bulkAccount.closed + probeAccount.closed,
      errors: report.errors,
      unanswered: report.unanswered,
      ...present({ latency }),
    }
  } finally {
    await Promise.all([bulk.stop(), probe.stop(), server.stop()])
  }
}

function select(name: string, count: number) {
  return { path: `/subscribe/${name}`, count, fromTopic: 0, toTopic: 1 }
}
