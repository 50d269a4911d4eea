// The files of results: their names, their schema, which is the newest.
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import * as v from 'valibot'
import type { Results } from './result.ts'

/** A file that cannot be used, in words for whoever named it. */
export class ArchiveError extends Error {}

const amount = v.pipe(v.number(), v.minValue(0))
const count = v.pipe(v.number(), v.integer(), v.minValue(0))

const latency = v.object({
  count,
  p50Ms: amount,
  p97_5Ms: amount,
  p99Ms: amount,
  p99_9Ms: amount,
  maxMs: amount,
})

const measurement = v.looseObject({
  case: v.string(),
  server: v.string(),
  round: count,
  load: v.record(v.string(), v.union([v.number(), v.string()])),
  limit: v.picklist(['none', 'server', 'load client']),
  seconds: amount,
  publishedPerSecond: v.exactOptional(amount),
  deliveriesPerSecond: v.exactOptional(amount),
  megabytesPerSecond: v.exactOptional(amount),
  lost: v.exactOptional(count),
  orderErrors: v.exactOptional(count),
  behind: v.exactOptional(count),
  errors: v.exactOptional(count),
  unanswered: v.exactOptional(count),
  closed: v.exactOptional(count),
  latency: v.exactOptional(latency),
  publisherLateP99Ms: v.exactOptional(amount),
  serverCpuUsPerDelivery: v.exactOptional(amount),
  serverCpuUsPerRequest: v.exactOptional(amount),
  serverCpu: v.exactOptional(amount),
  loadCpu: v.exactOptional(amount),
  otherCpu: v.exactOptional(amount),
  residentMebibytes: v.exactOptional(amount),
  // Of the difference of two readings: a heap that shrank in between makes it negative.
  kibibytesPerSubscriber: v.exactOptional(v.number()),
  untilLastMs: v.exactOptional(amount),
})

/** Loose where a later version may add what this one need not know. */
const schema = v.looseObject({
  schema: v.literal(1),
  date: v.pipe(v.string(), v.isoTimestamp()),
  commit: v.string(),
  isDirty: v.boolean(),
  machine: v.looseObject({
    cpu: v.string(),
    cores: count,
    memoryGibibytes: amount,
    kernel: v.string(),
    node: v.string(),
  }),
  versions: v.record(v.string(), v.string()),
  measurements: v.pipe(v.array(measurement), v.minLength(1)),
}) satisfies v.GenericSchema<unknown, Results>

/** Throws an ArchiveError that says what is wrong with the file, and where in it. */
export function readResults(path: string): Results {
  let document: unknown
  try {
    document = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new ArchiveError(`${path}: ${error instanceof Error ? error.message : error}`)
  }
  const checked = v.safeParse(schema, document)
  if (checked.success) return checked.output
  const [issue] = checked.issues
  const place = v.getDotPath(issue) ?? 'the document'
  throw new ArchiveError(`${path} has no results of the benchmark: ${place}: ${issue.message}`)
}

/** The file with the latest date in it, other than this one. Throws where there is none. */
export function newestResults(folder: string, other: string): string {
  let names: string[] = []
  try {
    names = readdirSync(folder).filter((name) => name.endsWith('.json'))
  } catch {
    // No folder, no files.
  }
  const paths = names
    .map((name) => join(folder, name))
    .filter((path) => resolve(path) !== resolve(other))
  const [newest] = paths
    .map((path) => ({ path, at: Date.parse(readResults(path).date) }))
    .sort((a, b) => b.at - a.at)
  if (newest === undefined) throw new ArchiveError(`${folder} has no other results than ${other}`)
  return newest.path
}

/** `2026-11-23-abc1234`, and what tells it from results that are there: those are never replaced. */
export function freeStem(results: Results, folder: string): string {
  const dirty = results.isDirty ? '-dirty' : ''
  const stem = `${results.date.slice(0, 10)}-${results.commit.slice(0, 7)}${dirty}`
  let names: string[] = []
  try {
    names = readdirSync(folder)
  } catch {
    return stem
  }
  const isTaken = (candidate: string): boolean => names.includes(`${candidate}.json`)
  if (!isTaken(stem)) return stem
  let number = 2
  while (isTaken(`${stem}-${number}`)) number++
  return `${stem}-${number}`
}
