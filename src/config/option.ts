// The one table of options. Parsing, --help, the config file and docs/options.md are made from it.
// Main thread; pure data. Shards get the finished Config.
import { availableParallelism, hostname } from 'node:os'
import { accessOptions } from './access-option.ts'
import { sourceOptions } from './source-option.ts'
import { KIB, MIB, type OptionSpec, type ValueOf } from './spec.ts'

export { flagOf } from './flag.ts'

/** development, staging, production: where this server runs, as emojitrack-gostreamer finds out. */
export function stageOf(env: NodeJS.ProcessEnv): string {
  return (env['NODE_ENV'] || env['GO_ENV'] || 'development').toLowerCase()
}

/** `node-<stage>-<DYNO or hostname>`, as emojitrack-gostreamer names itself. */
function defaultNodeName(env: NodeJS.ProcessEnv): string {
  return `node-${stageOf(env)}-${env['DYNO'] || hostname()}`
}

export const options = {
  preset: {
    kind: 'choice',
    choices: ['pillarbox', 'emojitracker'],
    default: 'pillarbox',
    doc: 'The system to stand in for; sets the defaults of other options.',
  },
  host: {
    kind: 'text',
    default: '*',
    doc: 'Address to listen on; * is every address, IPv4 and IPv6.',
  },
  port: {
    kind: 'integer',
    min: 0,
    max: 65_535,
    default: 8080,
    // Not CARILLON_PORT: Kubernetes sets that, to tcp://…, for any Service named carillon.
    env: 'PORT',
    doc: 'TCP port to listen on; 0 takes a free one.',
  },
  threads: {
    kind: 'integer',
    min: 1,
    max: 256,
    default: () => availableParallelism(),
    defaultDoc: 'the number of cores',
    doc: 'Shards: worker threads that accept publishers and subscribers.',
  },
  ...accessOptions,
  userIp: {
    kind: 'switch',
    default: true,
    doc: 'Set user_ip in events from /api/events; --no-user-ip leaves the object alone.',
  },
  connectionsMax: {
    kind: 'integer',
    min: 0,
    max: 1_000_000,
    default: 0,
    defaultDoc: '0: as many as the open-file limit lets',
    doc: 'Connections of the process; a stream above it gets 503. See the limits in operations.md.',
  },
  addressSubscribersMax: {
    kind: 'integer',
    min: 0,
    max: 1_000_000,
    default: 0,
    defaultDoc: '0: no limit',
    doc: 'Streams of one client address (IPv6: of one /64); a further one gets 429.',
  },
  addressPostsPerSecondMax: {
    kind: 'integer',
    min: 0,
    max: 1_000_000,
    default: 0,
    defaultDoc: '0: no limit',
    doc: 'Requests to publish of one client address a second, as many at once; past it 429.',
  },
  urlBytesMax: {
    kind: 'integer',
    min: 256,
    max: 64 * KIB,
    default: 8 * KIB,
    doc: 'Longest path and query of a request in bytes; a longer one gets 414.',
  },
  bodyBytesMax: {
    kind: 'integer',
    min: 1,
    max: 16 * MIB,
    default: MIB,
    doc: 'Largest request body in bytes; a larger one gets 413.',
  },
  headerBytesMax: {
    kind: 'integer',
    min: 4 * KIB,
    max: 64 * KIB,
    default: 16 * KIB,
    doc: 'Largest request head in bytes; a larger one gets 431. Read once in a process.',
  },
  heartbeatSeconds: {
    kind: 'integer',
    min: 1,
    max: 3600,
    default: 15,
    doc: 'An idle stream gets a comment line this often.',
  },
  writeBytesMax: {
    kind: 'integer',
    min: KIB,
    max: 16 * MIB,
    default: 128 * KIB,
    doc: 'Most bytes handed to one socket at a time; what a full socket holds in our memory.',
  },
  lagBytesMax: {
    kind: 'integer',
    min: KIB,
    max: 1024 * MIB,
    default: 8 * MIB,
    doc: 'How far a full socket may leave a subscriber behind, in bytes; past it lagPolicy.',
  },
  lagSecondsMax: {
    kind: 'integer',
    min: 1,
    max: 3600,
    default: 30,
    doc: 'How long a full socket may leave a subscriber behind, in seconds; past it lagPolicy.',
  },
  lagPolicy: {
    kind: 'choice',
    choices: ['close', 'skip'],
    default: 'close',
    doc: 'A subscriber past lagBytesMax or lagSecondsMax is closed, or skips what it lacks.',
  },
  announceSkips: {
    kind: 'switch',
    default: false,
    doc: 'A skipped subscriber gets an event carillon.skipped with the count, not only a comment.',
  },
  inflightBytesMax: {
    kind: 'integer',
    min: 64 * KIB,
    max: 1024 * MIB,
    default: 16 * MIB,
    doc: 'Events a shard has accepted and the hub not yet ordered, in bytes; past it 503.',
  },
  backlogBytesMax: {
    kind: 'integer',
    min: 256 * KIB,
    max: 1024 * MIB,
    default: 32 * MIB,
    doc: 'Events ordered but not yet written by the slowest shard, in bytes; past it 503.',
  },
  retryAfterSeconds: {
    kind: 'integer',
    min: 1,
    max: 3600,
    default: 1,
    doc: 'The Retry-After of a 503.',
  },
  drainSeconds: {
    kind: 'integer',
    min: 0,
    max: 3600,
    default: 10,
    doc: 'Time for a stop: events are delivered and streams closed within it.',
  },
  reconnectMs: {
    kind: 'integer',
    min: 0,
    max: 600_000,
    default: 2000,
    doc: 'Streams closed at a stop are told to reconnect after this to twice this many ms.',
  },
  listenSockets: {
    kind: 'integer',
    min: 1,
    max: 64,
    // Measured with 10,000 connections at once: 16 lose SYNs (1.2 s in all), 24 lose none (0.5 s).
    default: 32,
    doc: 'Listen sockets of each shard; each queues 512 connections.',
  },
  portSharing: {
    kind: 'choice',
    choices: ['auto', 'reuseport', 'handover'],
    default: 'auto',
    doc: 'How shards share the port: SO_REUSEPORT (auto on Linux), or shard 0 hands sockets over.',
  },
  shardRestartsMax: {
    kind: 'integer',
    min: 0,
    max: 1000,
    default: 5,
    doc: 'A shard that dies more often than this within a minute ends the process.',
  },
  addonFolder: {
    kind: 'text',
    default: 'auto',
    doc: 'Of the single-file executable: the folder for its addon; auto finds one that takes it.',
  },
  ...sourceOptions,
  nodeName: {
    kind: 'text',
    default: defaultNodeName,
    defaultDoc: 'node-NODE_ENV-hostname',
    doc: 'The name of this server in its status.',
  },
  logLevel: {
    kind: 'choice',
    choices: ['debug', 'info', 'warn', 'error', 'silent'],
    default: 'info',
    doc: 'Least severe log lines to write, as JSON on standard error.',
  },
} as const satisfies Record<string, OptionSpec>

export type OptionName = keyof typeof options

/** Every option with its value: complete, checked, frozen. */
export type Config = { readonly [N in OptionName]: ValueOf<(typeof options)[N]> }

/** `lagBytesMax` → `CARILLON_LAG_BYTES_MAX`, unless the table names another. */
export function envOf(name: OptionName): string {
  const spec: OptionSpec = options[name]
  return spec.env ?? `CARILLON_${name.replace(/[A-Z]/g, '_$&').toUpperCase()}`
}
