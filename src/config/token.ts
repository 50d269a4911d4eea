// What a bearer token may look like. Pure.

/** In characters. Shorter ones can be tried out: 16 of hexadecimal digits are 64 bits. */
const TOKEN_LENGTH_MIN = 16
const TOKEN_LENGTH_MAX = 512

/** b64token (RFC 6750, 2.1). */
const TOKEN = /^[\w.~+/-]+=*$/

/** The same in words. */
export const TOKEN_FORM = `${TOKEN_LENGTH_MIN} to ${TOKEN_LENGTH_MAX} characters of A-Z a-z 0-9 - . _ ~ + / and = at its end`

export function isToken(text: string): boolean {
  const { length } = text
  return length >= TOKEN_LENGTH_MIN && length <= TOKEN_LENGTH_MAX && TOKEN.test(text)
}
