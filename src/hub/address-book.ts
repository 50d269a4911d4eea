// The streams that each address has in each shard, for shards that are started again and for those
// that outlive one that died. Main thread.
import type { AddressUse } from './message.ts'

export class AddressBook {
  readonly #shards = new Map<number, Map<string, number>>()
  readonly #tell: (shard: number, use: AddressUse) => void

  /** @param tell tells all shards what one has */
  constructor(tell: (shard: number, use: AddressUse) => void) {
    this.#tell = tell
  }

  /** What a shard tells. */
  take(shard: number, use: AddressUse): void {
    const counts = this.#shards.get(shard) ?? new Map<string, number>()
    this.#shards.set(shard, counts)
    for (const [index, address] of use.addresses.entries()) {
      setCount(counts, address, use.streams[index] as number)
    }
    this.#tell(shard, use)
  }

  /** A shard is new, and has heard nothing. To the others it is nothing new. */
  retell(): void {
    for (const [shard, counts] of this.#shards) this.#tellAll(shard, counts, [...counts.values()])
  }

  /** A shard is gone, and so are its streams. */
  forget(shard: number): void {
    const counts = this.#shards.get(shard)
    if (counts === undefined) return
    this.#shards.delete(shard)
    this.#tellAll(
      shard,
      counts,
      Array.from({ length: counts.size }, () => 0),
    )
  }

  #tellAll(shard: number, counts: ReadonlyMap<string, number>, streams: readonly number[]): void {
    if (counts.size === 0) return
    const publishes = streams.map(() => 0)
    this.#tell(shard, { addresses: [...counts.keys()], streams, publishes })
  }
}

/** Addresses that have nothing are not kept. */
export function setCount(counts: Map<string, number>, address: string, count: number): void {
  if (count === 0) counts.delete(address)
  else counts.set(address, count)
}
