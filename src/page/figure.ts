// How numbers, sizes and times are written. English, whatever the browser's language: as the rest of
// the page.

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const fine = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 })
const finer = new Intl.NumberFormat('en', { maximumSignificantDigits: 4 })
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 4 })
const tick = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 })
const clock = new Intl.DateTimeFormat('en', { timeStyle: 'medium', hourCycle: 'h23' })

/** Of a unit: how a value is written in a text, and how at an axis. */
export interface Unit {
  readonly text: (value: number) => string
  readonly tick: (value: number) => string
  /** Distances between ticks; without them, those of the decimal system. */
  readonly steps?: number[]
}

/** Of two, from a byte to a tebibyte. */
const POWERS = Array.from({ length: 41 }, (_, power) => 2 ** power)

export function count(value: number): string {
  return whole.format(value)
}

function rate(value: number): string {
  if (value >= 100_000) return short.format(value)
  return value >= 100 ? whole.format(value) : fine.format(value)
}

const SIZES = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

function sized(value: number, format: Intl.NumberFormat): string {
  let size = 0
  let rest = value
  while (rest >= 1024 && size < SIZES.length - 1) {
    rest /= 1024
    size++
  }
  return `${format.format(rest)} ${SIZES[size]}`
}

export function bytes(value: number): string {
  return sized(value, finer)
}

function milliseconds(value: number): string {
  return value >= 1000 ? `${fine.format(value / 1000)} s` : `${fine.format(value)} ms`
}

export const units = {
  count: { text: count, tick: (value) => tick.format(value) },
  perSecond: { text: (value) => `${rate(value)} /s`, tick: (value) => tick.format(value) },
  bytes: { text: bytes, tick: (value) => sized(value, fine), steps: POWERS },
  bytesPerSecond: {
    text: (value) => `${bytes(value)}/s`,
    tick: (value) => sized(value, fine),
    steps: POWERS,
  },
  milliseconds: { text: milliseconds, tick: (value) => milliseconds(value) },
  percent: {
    text: (value) => `${whole.format(value * 100)} %`,
    tick: (value) => `${whole.format(value * 100)} %`,
  },
} as const satisfies Record<string, Unit>

/** A length of time, by its two largest units. */
export function duration(seconds: number): string {
  const parts: readonly [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [Math.floor(seconds) % 60, 's'],
  ]
  const first = parts.findIndex(([value]) => value > 0)
  if (first === -1) return '0 s'
  return parts
    .slice(first, first + 2)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(' ')
}

/** How far the server's clock is ahead of the browser's, in ms. */
let aheadMs = 0

/** @param serverMs the server's clock now, in Unix ms: ages are by it */
export function setClock(serverMs: number): void {
  aheadMs = serverMs - Date.now()
}

/** How long ago a Unix time of the server's was, in seconds. */
export function age(unixSeconds: number): string {
  return duration(Math.max(0, (Date.now() + aheadMs) / 1000 - unixSeconds))
}

export function timeOfDay(unixSeconds: number): string {
  return clock.format(unixSeconds * 1000)
}
