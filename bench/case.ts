// What is measured: one table of cases, each with its loads for the whole run and for the short one.
// The letters are those of the project's targets, as docs/performance.md has them.
import { CORE_COUNT } from './cores.ts'

/** The loads of a case; what they hold is what the results say of them. */
export interface FanOutLoad {
  readonly subscribers: number
  readonly eventsPerSecond: number
  readonly eventBytes: number
  /** Subscribers that never read, besides the others. */
  readonly stalled?: number
  /** Each subscriber has one of so many. */
  readonly topics?: number
  /** Admin pages that are open meanwhile. */
  readonly pages?: number
  readonly scrapesPerSecond?: number
  /** Further subscribers, of a topic above others: half of them have all, half a tenth. */
  readonly parents?: number
}

interface IdleLoad {
  readonly subscribers: number
}

export interface IngestLoad {
  readonly connections: number
  readonly pipelining: number
  /** Of the server; where absent, as the run's option says. */
  readonly threads?: number
}

export interface DayLoad {
  readonly updatesPerSecond: number
  readonly rawSubscribers: number
  readonly epsSubscribers: number
  readonly detailsSubscribers: number
}

interface Loads<Kind extends string, Load> {
  readonly kind: Kind
  readonly full: readonly Load[]
  /** None: the case is not in the short run. */
  readonly short: readonly Load[]
}

export type Case = {
  readonly name: string
  readonly target?: 'A' | 'B' | 'C' | 'D' | 'E' | 'F' | 'G'
  /** Loads rise; a server that cannot follow is spared the rest. */
  readonly isLadder?: boolean
  /** It needs topics or Redis, which peers have in other ways or not at all. */
  readonly isOursOnly?: boolean
} & (
  | Loads<'fan-out', FanOutLoad>
  | Loads<'memory', IdleLoad>
  | Loads<'storm', IdleLoad>
  | Loads<'ingest', IngestLoad>
  | Loads<'day', DayLoad>
)

/** With what an event is around its text on the wire, about 190 bytes. */
const EVENT_BYTES = 150

function rates(subscribers: number, ...eventsPerSecond: number[]): FanOutLoad[] {
  return eventsPerSecond.map((rate) => {
    return { subscribers, eventsPerSecond: rate, eventBytes: EVENT_BYTES }
  })
}

function sized(subscribers: number, eventsPerSecond: number, eventBytes: number): FanOutLoad {
  return { subscribers, eventsPerSecond, eventBytes }
}

function ingestLoads(): IngestLoad[] {
  const counts = CORE_COUNT > 1 ? [1, CORE_COUNT] : [1]
  return counts.flatMap((threads) =>
    [1, 16].flatMap((pipelining) =>
      [1, 16, 64, 256].map((connections) => ({ connections, pipelining, threads })),
    ),
  )
}

export const cases: readonly Case[] = [
  {
    name: 'fan-out',
    target: 'A',
    kind: 'fan-out',
    full: rates(1_000, 50),
    short: rates(1_000, 50),
  },
  {
    name: 'throughput',
    target: 'B',
    kind: 'fan-out',
    isLadder: true,
    full: rates(1_000, 50, 200, 500, 1_000, 2_000, 5_000, 8_000, 10_000, 15_000, 20_000),
    short: rates(1_000, 8_000),
  },
  {
    name: 'many subscribers',
    target: 'C',
    kind: 'fan-out',
    full: rates(10_000, 200),
    short: [],
  },
  {
    name: 'fast topic',
    target: 'D',
    kind: 'fan-out',
    full: rates(10, 20_000),
    short: rates(10, 20_000),
  },
  {
    name: 'ingest',
    target: 'E',
    kind: 'ingest',
    full: ingestLoads(),
    // Without pipelining, the load client is at its limit before the server.
    short: [{ connections: 64, pipelining: 16 }],
  },
  {
    name: 'memory',
    target: 'F',
    kind: 'memory',
    full: [{ subscribers: 10_000 }],
    short: [{ subscribers: 2_000 }],
  },
  {
    name: 'connect storm',
    target: 'G',
    kind: 'storm',
    full: [{ subscribers: 10_000 }],
    short: [{ subscribers: 2_000 }],
  },
  {
    name: 'growing audience',
    kind: 'fan-out',
    isLadder: true,
    full: [10, 100, 1_000, 2_000, 5_000, 10_000].map((count) => sized(count, 200, EVENT_BYTES)),
    short: [],
  },
  {
    name: 'event sizes',
    kind: 'fan-out',
    full: [sized(1_000, 500, 100), sized(1_000, 200, 1_024), sized(1_000, 5, 65_536)],
    short: [],
  },
  {
    // In 10 s, 20 MiB: more than kernels keep for a socket, and than we let one lag behind.
    name: 'stalled subscribers',
    kind: 'fan-out',
    full: [0, 5, 50].map((stalled) => ({ ...sized(500, 30, 65_536), stalled })),
    short: [],
  },
  {
    // A page that lists them all must cost them nothing.
    name: 'admin page',
    kind: 'fan-out',
    isOursOnly: true,
    full: [0, 1].map((pages) => ({ ...sized(15_000, 10, EVENT_BYTES), pages })),
    short: [],
  },
  {
    name: 'metrics',
    kind: 'fan-out',
    isOursOnly: true,
    full: [0, 1].map((scrapesPerSecond) => ({
      ...sized(1_000, 5_000, EVENT_BYTES),
      scrapesPerSecond,
    })),
    short: [],
  },
  {
    name: 'topics',
    kind: 'fan-out',
    isOursOnly: true,
    full: [{ ...sized(10_000, 2_000, EVENT_BYTES), topics: 1_000, parents: 20 }],
    short: [],
  },
  {
    name: 'emojitracker day',
    kind: 'day',
    isOursOnly: true,
    full: [
      {
        updatesPerSecond: 400,
        rawSubscribers: 200,
        epsSubscribers: 2_000,
        detailsSubscribers: 1_000,
      },
    ],
    short: [],
  },
]
