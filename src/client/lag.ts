// How late an event is: from when its publisher says that it was sent until it is here. Pure.
//
// A frame does not say when the server took it in, so only its data can. Both clocks have to agree:
// where they do not, the lag is off by as much, and may be negative.
import { JsonPointer } from '../rollup/pointer.ts'

/** Numbers below are seconds since 1970, those from here on ms: 1973 in ms, the year 5138 in s. */
const MS_FROM = 100_000_000_000

export class LagMeter {
  readonly #pointer: JsonPointer

  /** @param pointer where in the data the time is, as a JSON pointer */
  constructor(pointer: string) {
    this.#pointer = new JsonPointer(pointer)
  }

  /** @returns ms, or undefined where the data has no time there */
  read(data: string, now: number): number | undefined {
    let document: unknown
    try {
      document = JSON.parse(data)
    } catch {
      return undefined
    }
    const sentAt = msOf(this.#pointer.read(document))
    return Number.isFinite(sentAt) ? Math.round(now - sentAt) : undefined
  }
}

/** NaN for what is no time. */
function msOf(value: unknown): number {
  if (typeof value === 'number') return value < MS_FROM ? value * 1000 : value
  if (typeof value !== 'string') return Number.NaN
  return /^\d+(\.\d+)?$/.test(value) ? msOf(Number(value)) : Date.parse(value)
}
