// An event as `carillon tail` prints it: for people, or as a JSON object. Pure.
import { plain } from './failure.ts'
import type { Paint } from './paint.ts'

export interface Arrival {
  /** When its last byte was here, in ms since 1970. */
  readonly at: number
  readonly event: string
  readonly id: string | undefined
  readonly data: string
  /** Of how many the connection is that it came by: where it changes, events may be missing. */
  readonly connection: number
  /** How many events the server said, just before, that it skipped. */
  readonly skipped: number
  /** See LagMeter; undefined where that is not known. */
  readonly lagMs: number | undefined
}

/** At which lag the colour changes, in ms. */
const LATE_MS = 1000
const VERY_LATE_MS = 10_000

/** `12:34:56.789 +12ms bark #7 woof`: what an event lacks is left out. Further lines are indented. */
export function textLine(arrival: Arrival, paint: Paint): string {
  const { event, id, data, lagMs } = arrival
  const time = clockOf(arrival.at)
  const parts = [paint('dim', time)]
  if (lagMs !== undefined) parts.push(paint(lagStyle(lagMs), `${lagMs < 0 ? '' : '+'}${lagMs}ms`))
  if (event !== 'message') parts.push(paint('cyan', plain(event)))
  if (id !== undefined) parts.push(paint('magenta', `#${plain(id)}`))
  parts.push(plain(data).replaceAll('\n', `\n${' '.repeat(time.length + 1)}`))
  return parts.join(' ')
}

/** One line, with all of ASCII's and Latin-1's controls escaped: it may go to a terminal, too. */
export function jsonLine({ at, event, id, data, ...rest }: Arrival): string {
  const { connection, lagMs, skipped } = rest
  const object = {
    at: new Date(at).toISOString(),
    event,
    ...(id !== undefined && { id }),
    data,
    connection,
    ...(lagMs !== undefined && { lagMs }),
    ...(skipped > 0 && { skipped }),
  }
  return JSON.stringify(object).replace(/[\u007f-\u009f]/g, (control) => {
    return `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

function lagStyle(lagMs: number): 'green' | 'yellow' | 'red' {
  if (lagMs < LATE_MS) return 'green'
  return lagMs < VERY_LATE_MS ? 'yellow' : 'red'
}

/** The time of day here, to the ms. */
function clockOf(at: number): string {
  const date = new Date(at)
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':')
  return `${clock}.${String(date.getMilliseconds()).padStart(3, '0')}`
}
