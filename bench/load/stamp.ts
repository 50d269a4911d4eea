// The stamp in every event of ours: its number, of which follows when it was due. Pure; the
// publisher's thread writes it, the subscribers' threads read it.

/** Opens the JSON of an event; its number follows, then its padding. */
const OPENING = '{"s":"'
const DIGITS = 9
const PADDING = '","pad":"'
const CLOSING = '"}'

/** The smallest event there can be. */
export const EVENT_BYTES_MIN = OPENING.length + DIGITS + PADDING.length + CLOSING.length
/** What we look for in a stream: found again where a server sorts the members of the object. */
export const STAMP_MARK = OPENING.slice(1)
export const STAMP_DIGITS = DIGITS

/** An event of so many bytes with the number 0. */
export function eventText(bytes: number): string {
  const padding = 'x'.repeat(bytes - EVENT_BYTES_MIN)
  return `${OPENING}${'0'.repeat(DIGITS)}${PADDING}${padding}${CLOSING}`
}

/** Writes the number into an event that begins there. */
export function putNumber(bytes: Uint8Array, eventStart: number, number: number): void {
  let rest = number
  for (let at = eventStart + OPENING.length + DIGITS - 1; at >= eventStart + OPENING.length; at--) {
    const tenth = Math.floor(rest / 10)
    bytes[at] = 48 + rest - tenth * 10
    rest = tenth
  }
}

/** The number whose digits begin there. */
export function numberAt(bytes: Uint8Array, at: number, digits: number): number {
  let number = 0
  for (let index = at; index < at + digits; index++) {
    number = number * 10 + (bytes[index] as number) - 48
  }
  return number
}
