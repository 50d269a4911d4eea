// Rollups: counts of the events on a topic, published on another, period by period.
// Main thread, in the hub, which shows every batch here as it gets its place in the order: an event
// with counts stands behind all events that it counts, and no event is counted twice or left out.
import type { Config } from '../config/option.ts'
import type { RollupRule } from '../config/record.ts'
import { type Batch, BatchWriter, RUN_FIELDS } from '../event/batch.ts'
import { eachData, writeEvent } from '../event/frame.ts'
import { covers } from '../event/topic.ts'
import { type Clock, Grid, systemClock } from './grid.ts'
import { JsonPointer } from './pointer.ts'
import { Tally } from './tally.ts'

/** Figures of one rollup, since the start. */
export interface RollupFigures {
  readonly from: string
  readonly to: string
  readonly everyMs: number
  /** Events that were counted. */
  readonly counted: number
  /** Events that have no key: not JSON, or nothing where the pointer leads. */
  readonly skipped: number
  /** Events with counts that were published. */
  readonly published: number
  /** Of those, how many before their period's end, because of a bound. */
  readonly flushedEarly: number
}

type Publish = (topic: string, counts: string) => void

class Rollup {
  readonly #rule: RollupRule
  readonly #pointer: JsonPointer | undefined
  readonly #tally: Tally
  readonly #grid: Grid
  readonly #publish: Publish
  #counted = 0
  #skipped = 0
  #published = 0
  #flushedEarly = 0

  constructor(rule: RollupRule, tally: Tally, clock: Clock, publish: Publish) {
    this.#rule = rule
    this.#pointer = rule.key === undefined ? undefined : new JsonPointer(rule.key)
    this.#tally = tally
    this.#publish = publish
    this.#grid = new Grid(rule.everyMs, () => this.flush(), clock)
  }

  counts(topic: string): boolean {
    return covers(this.#rule.from, topic)
  }

  count(data: string): void {
    const key = this.#pointer === undefined ? data : keyAt(this.#pointer, data)
    if (key === undefined) {
      this.#skipped++
      return
    }
    if (!this.#tally.add(key)) {
      this.#flushedEarly++
      this.flush()
      this.#tally.add(key)
    }
    this.#counted++
    this.#grid.request()
  }

  /** Publishes what has been counted; nothing where nothing has. */
  flush(): void {
    const counts = this.#tally.take()
    if (counts === undefined) return
    this.#published++
    this.#publish(this.#rule.to, counts)
  }

  stop(): void {
    this.#grid.cancel()
  }

  get figures(): RollupFigures {
    const { from, to, everyMs } = this.#rule
    return {
      from,
      to,
      everyMs,
      counted: this.#counted,
      skipped: this.#skipped,
      published: this.#published,
      flushedEarly: this.#flushedEarly,
    }
  }
}

/** A string is its text; any other value its JSON. */
function keyAt(pointer: JsonPointer, data: string): string | undefined {
  try {
    const value = pointer.read(JSON.parse(data))
    // A lone surrogate has no UTF-8: it would go out as another key than was counted.
    return typeof value === 'string' ? value.toWellFormed() : JSON.stringify(value)
  } catch {
    // Also of JSON: what is nested some thousand levels deep can be parsed, but not written.
    return undefined
  }
}

export class Rollups {
  readonly #rollups: readonly Rollup[]
  readonly #writer = new BatchWriter()
  readonly #publish: (batch: Batch) => void

  /** @param publish puts a batch into the order, without showing it here again */
  constructor(
    config: Pick<Config, 'rollups' | 'rollupKeysMax' | 'rollupBytesMax'>,
    publish: (batch: Batch) => void,
    clock = systemClock,
  ) {
    const { rollupKeysMax, rollupBytesMax } = config
    this.#publish = publish
    this.#rollups = config.rollups.map((rule) => {
      const tally = new Tally(rollupKeysMax, rollupBytesMax)
      return new Rollup(rule, tally, clock, (topic, counts) => this.#write(topic, counts))
    })
  }

  /** Counts the events of a batch. What rollups publish is not among them. */
  count({ topics, runs, bytes }: Batch): void {
    if (this.#rollups.length === 0) return
    const counting = topics.map((topic) => this.#rollups.filter((rollup) => rollup.counts(topic)))
    const frames = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    let start = 0
    for (let run = 0; run < runs.length; run += RUN_FIELDS) {
      const rollups = counting[runs[run] as number] as Rollup[]
      const end = start + (runs[run + 2] as number)
      if (rollups.length > 0) {
        eachData(frames.toString('utf8', start, end), (data) => {
          for (const rollup of rollups) rollup.count(data)
        })
      }
      start = end
    }
  }

  /** Publishes all counts now: nothing will follow. */
  finish(): void {
    for (const rollup of this.#rollups) {
      rollup.stop()
      rollup.flush()
    }
  }

  get figures(): RollupFigures[] {
    return this.#rollups.map(({ figures }) => figures)
  }

  #write(topic: string, counts: string): void {
    writeEvent(this.#writer, topic, {}, Buffer.from(counts))
    this.#publish(this.#writer.take())
  }
}
