// The options that are lists of objects: their schemas, and what is wrong with an item, in words.
import * as v from 'valibot'
import { Fault } from '../event/fault.ts'
import { faultOfMapping, type Subscription } from '../event/mapping.ts'
import { normaliseTopic } from '../event/topic.ts'

/** Counts of the events on one topic and below, published on another. */
export interface RollupRule {
  readonly from: string
  readonly to: string
  /** Length of a period, in ms. */
  readonly everyMs: number
  /** JSON pointer (RFC 6901) to the key in an event's data; without it, the data is the key. */
  readonly key?: string | undefined
}

/** Longest period of a rollup, in ms: an hour. */
const EVERY_MS_MAX = 3_600_000

const text = v.pipe(v.string(), v.nonEmpty('it is empty'))

/** A topic as it is kept: so that what is configured is what is compared. */
const topic = v.pipe(
  text,
  v.check(
    (path) => normaliseTopic(path) === path,
    (issue) => {
      const topic = normaliseTopic(issue.input)
      return topic instanceof Fault ? topic.detail : `write it as ${topic}`
    },
  ),
)

const subscription = v.strictObject({
  channel: v.optional(text),
  pattern: v.optional(text),
  topic: text,
  event: v.optional(text),
})

const rollup = v.strictObject({
  from: topic,
  to: topic,
  everyMs: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(EVERY_MS_MAX)),
  // RFC 6901, 3: ~ is followed by 0 or 1.
  key: v.optional(v.pipe(v.string(), v.regex(/^(\/([^~]|~[01])*)?$/, 'it is no JSON pointer'))),
})

export function faultOfSubscription(item: unknown): string | undefined {
  return faultOf(subscription, item) ?? faultOfMapping(item as Subscription)
}

export function faultOfRollup(item: unknown): string | undefined {
  return faultOf(rollup, item)
}

function faultOf(schema: v.GenericSchema, item: unknown): string | undefined {
  const { issues } = v.safeParse(schema, item)
  const [issue] = issues ?? []
  if (issue === undefined) return undefined
  const path = v.getDotPath(issue)
  return path === null ? issue.message : `${path}: ${issue.message}`
}
