// The options of where events come from besides HTTP, what is counted of them, and where the status
// is reported to: a part of the table of options, in a file of its own. Pure data.
import type { Subscription } from '../event/mapping.ts'
import { faultOfRollup, faultOfSubscription, type RollupRule } from './record.ts'
import { isRedisUrl, redactUrl } from './redis-url.ts'
import { KIB, MIB, type OptionSpec } from './spec.ts'

const noSubscriptions: readonly Subscription[] = []
const noRollups: readonly RollupRule[] = []

export const sourceOptions = {
  redisUrl: {
    kind: 'text',
    default: 'redis://localhost:6379',
    env: 'REDIS_URL',
    check: isRedisUrl,
    textDoc: 'a URL such as redis://user:password@host:6379/0, rediss:// for TLS',
    redact: redactUrl,
    doc: 'The Redis of redisSubscriptions and of the status report; redis+sentinel:// and redis+cluster:// have lists of hosts.',
  },
  redisSubscriptions: {
    kind: 'records',
    default: noSubscriptions,
    check: faultOfSubscription,
    itemDoc: '{"channel" or "pattern", "topic", "event"?}, with {channel}, {1} in topic and event',
    doc: 'Channels of Redis pub/sub, and the topic and event name that their messages get.',
  },
  waitForSource: {
    kind: 'switch',
    default: false,
    doc: 'Start although Redis cannot be reached, and wait for it; else that ends the start.',
  },
  sourceTimeoutSeconds: {
    kind: 'integer',
    min: 1,
    max: 3600,
    default: 10,
    doc: 'A Redis that does not answer for this long is given up, and connected to again.',
  },
  messageBytesMax: {
    kind: 'integer',
    min: 1,
    max: 16 * MIB,
    default: MIB,
    doc: 'Largest message of a source in bytes; a larger one is refused and counted.',
  },
  rollups: {
    kind: 'records',
    default: noRollups,
    check: faultOfRollup,
    itemDoc: '{"from": topic, "to": topic, "everyMs": 1 to 3600000, "key"?: JSON pointer}',
    doc: 'Counts of events: those on from and below, by their data or what key finds in it.',
  },
  rollupKeysMax: {
    kind: 'integer',
    min: 1,
    max: 1_000_000,
    default: 10_000,
    doc: 'Different keys in a period of a rollup; at one more, its counts go out at once.',
  },
  rollupBytesMax: {
    kind: 'integer',
    min: KIB,
    max: 16 * MIB,
    default: MIB,
    doc: 'Bytes of all keys in a period of a rollup; past it, its counts go out at once.',
  },
  statusReportSeconds: {
    kind: 'integer',
    min: 0,
    max: 3600,
    default: 0,
    doc: 'The status goes into the Redis hash statusReportKey this often; 0 is never.',
  },
  statusReportKey: {
    kind: 'text',
    default: 'admin_stream_status',
    doc: 'The Redis hash of status reports; this server writes the field nodeName.',
  },
} as const satisfies Record<string, OptionSpec>
