// The charts of the page: which there are, and the snapshots of the last minutes that they show.
import { CHART_SECONDS, Chart, type ChartSpec } from './chart.ts'
import { bytes, count, units } from './figure.ts'
import type { ShardFigures, Snapshot } from './snapshot.ts'

/** A chart, and what it takes of a snapshot. */
interface Plan extends Omit<ChartSpec, 'lines'> {
  readonly lines: readonly string[] | 'shards'
  readonly read: (snapshot: Snapshot) => readonly (number | null)[]
  /** What stands beside the title. */
  readonly note?: (snapshot: Snapshot) => string
}

function ofShards(read: (shard: ShardFigures) => number | null): Plan['read'] {
  return ({ shards }) => shards.map(read)
}

const plans: readonly Plan[] = [
  {
    title: 'Events in',
    unit: units.perSecond,
    lines: ['events'],
    least: 10,
    read: (snapshot) => [snapshot.events_per_second],
    note: ({ events }) => `${count(events)} since the start`,
  },
  {
    title: 'Deliveries out',
    unit: units.perSecond,
    lines: ['deliveries'],
    least: 10,
    read: (snapshot) => [snapshot.deliveries_per_second],
    note: ({ deliveries }) => `${count(deliveries)} since the start`,
  },
  {
    title: 'Bytes out',
    unit: units.bytesPerSecond,
    lines: ['bytes'],
    least: 1024,
    read: (snapshot) => [snapshot.bytes_per_second],
    note: (snapshot) => `${bytes(snapshot.bytes)} since the start`,
  },
  {
    title: 'Subscribers',
    unit: units.count,
    lines: ['subscribers'],
    least: 10,
    read: (snapshot) => [snapshot.subscribers],
    note: ({ connections, connections_max: max }) =>
      `${count(connections)} of ${count(max)} connections`,
  },
  {
    title: 'Delay from acceptance to write',
    unit: units.milliseconds,
    lines: ['p50', 'p99'],
    least: 1,
    read: (snapshot) => [snapshot.delay_p50_ms, snapshot.delay_p99_ms],
  },
  {
    title: 'Backlog',
    unit: units.bytes,
    lines: ['backlog'],
    least: 1024,
    read: (snapshot) => [snapshot.backlog_bytes],
    note: (snapshot) => `publishers wait past ${bytes(snapshot.backlog_bytes_max)}`,
  },
  {
    title: 'CPU of shards',
    unit: units.percent,
    lines: 'shards',
    least: 0.1,
    read: ofShards(({ cpu, busy }) => cpu ?? busy),
  },
  {
    title: 'Memory of shards',
    unit: units.bytes,
    lines: 'shards',
    least: 1024 * 1024,
    read: ofShards((shard) => shard.memory_bytes),
    note: (snapshot) => `${bytes(snapshot.rss_bytes)} the process`,
  },
  {
    title: 'Event loop delay of shards',
    unit: units.milliseconds,
    lines: 'shards',
    least: 1,
    read: ofShards((shard) => shard.loop_delay_ms),
  },
]

export class Dashboard {
  readonly #place: HTMLElement
  /** Those of the last minutes; undefined stands for a gap. */
  readonly #kept: { at: number; snapshot: Snapshot | undefined }[] = []
  #charts: Chart[] = []
  #shards = 1

  constructor(place: HTMLElement) {
    this.#place = place
    this.#build()
    new ResizeObserver(() => {
      for (const chart of this.#charts) chart.resize()
    }).observe(place)
  }

  take(snapshot: Snapshot): void {
    this.#keep(snapshot)
    if (snapshot.shards.length > this.#shards) {
      this.#shards = snapshot.shards.length
      this.#build()
    }
    this.#show()
  }

  /** Snapshots will be missing. */
  interrupt(): void {
    if (this.#kept.at(-1)?.snapshot !== undefined) this.#keep(undefined)
  }

  redraw(): void {
    for (const chart of this.#charts) chart.redraw()
  }

  #keep(snapshot: Snapshot | undefined): void {
    // When it came, by a clock that nobody sets: the server's may be, and is another than this one.
    const at = performance.timeOrigin + performance.now()
    this.#kept.push({ at, snapshot })
    while ((this.#kept[0]?.at ?? at) < at - CHART_SECONDS * 1000) this.#kept.shift()
  }

  #build(): void {
    const shards = Array.from({ length: this.#shards }, (_, shard) => `shard ${shard}`)
    this.#charts = plans.map(({ lines, ...plan }) => {
      return new Chart({ ...plan, lines: lines === 'shards' ? shards : lines })
    })
    this.#place.replaceChildren(...this.#charts.map(({ element }) => element))
  }

  #show(): void {
    const times = this.#kept.map(({ at }) => at / 1000)
    const last = this.#kept.at(-1)?.snapshot
    for (const [index, { lines, read, note }] of plans.entries()) {
      const rows = this.#kept.map(({ snapshot }) => (snapshot ? read(snapshot) : []))
      const width = lines === 'shards' ? this.#shards : lines.length
      const values = Array.from({ length: width }, (_, line) =>
        rows.map((row) => row[line] ?? null),
      )
      this.#charts[index]?.show(times, values, last && note?.(last))
    }
  }
}
