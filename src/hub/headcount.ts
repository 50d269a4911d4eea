// The connections of each shard, told to all shards once a turn when they have changed. Main thread.

export class Headcount {
  /** By shard number. */
  readonly #counts: number[] = []
  readonly #tell: (counts: readonly number[]) => void
  #scheduled = false

  constructor(tell: (counts: readonly number[]) => void) {
    this.#tell = tell
  }

  /** A shard has so many now; none when it is gone. */
  set(shard: number, count: number): void {
    this.#counts[shard] = count
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#tell(this.#counts)
    })
  }
}
