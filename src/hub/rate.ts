// How fast a count grows: of a shard, a feed, or all events. Any thread. Whoever has it samples it
// about once a second, by a clock that nobody can set.

export class Rate {
  /** Between the last two samples; 0 before there are two. */
  perSecond = 0
  #count: number
  #atMs: number

  constructor(count: number, nowMs: number) {
    this.#count = count
    this.#atMs = nowMs
  }

  sample(count: number, nowMs: number): void {
    const elapsedMs = nowMs - this.#atMs
    if (elapsedMs <= 0) return
    this.perSecond = ((count - this.#count) * 1000) / elapsedMs
    this.#count = count
    this.#atMs = nowMs
  }
}
