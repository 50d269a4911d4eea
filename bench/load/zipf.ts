// Which topic the next event is for: drawn by weight, the same in every run.
import { seeded } from '../../scripts/feeder/random.ts'

const SEED = 1

/** Weights as of words in a text: the n-th most frequent comes 1/n as often as the first. */
export function zipfWeights(count: number): number[] {
  return Array.from({ length: count }, (_, index) => 1 / (index + 1))
}

export class Draw {
  readonly #random = seeded(SEED)
  /** Of each topic, its weight and those before, of all; the last is 1. */
  readonly #upTo: Float64Array

  constructor(weights: readonly number[]) {
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    this.#upTo = new Float64Array(weights.length)
    let sum = 0
    for (const [index, weight] of weights.entries()) {
      sum += weight
      this.#upTo[index] = sum / total
    }
  }

  next(): number {
    if (this.#upTo.length === 1) return 0
    const point = this.#random()
    let low = 0
    let high = this.#upTo.length - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#upTo[middle] as number) > point) high = middle
      else low = middle + 1
    }
    return low
  }
}
