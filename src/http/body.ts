// A request's body, whole and bounded. Shard thread.
import type { HttpResponse } from 'uWebSockets.js'

const CAPACITY_BYTES_MIN = 4 * 1024

/**
 * So much of a body past the limit is still read, and thrown away. Closing with bytes unread
 * resets the connection, and a client that is still sending loses the answer (RFC 9112, 9.6):
 * fetch lost it in 18 of 40 tries.
 */
export const LINGER_BYTES_MAX = 8 * 1024 * 1024
/** A client that stops sending too large a body is answered after this, in ms. */
const LINGER_MS_MAX = 500

// An aborted request is simply never done: its chunks go with its closure. uWS wants a handler.
function ignoreAbort(): void {}

/** The chunks of one body so far. Grown by what really came: a header must not take memory. */
class Chunks {
  length = 0
  #held: Buffer | undefined

  add(chunk: Uint8Array): void {
    const start = this.length
    this.length += chunk.length
    if (this.#held === undefined || this.length > this.#held.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(CAPACITY_BYTES_MIN, this.length * 2))
      if (this.#held !== undefined) larger.set(this.#held.subarray(0, start))
      this.#held = larger
    }
    this.#held.set(chunk, start)
  }

  get bytes(): Uint8Array {
    return (this.#held ?? Buffer.alloc(0)).subarray(0, this.length)
  }
}

/**
 * Calls `done` once: with the body, valid only during the call, or with undefined where it exceeds
 * `bytesMax`: when it has been read to its end, or is not worth reading on. A body within the
 * limit that stops half way is never done; uWS closes it after 10 s.
 * @param announced its Content-Length, or -1
 */
export function readBody(
  response: HttpResponse,
  announced: number,
  bytesMax: number,
  done: (body: Uint8Array | undefined) => void,
): void {
  if (announced < 0 || announced > bytesMax) readBounded(response, announced, bytesMax, done)
  else readAnnounced(response, done)
}

/** uWS holds the body to its Content-Length. Nearly all bodies come this way, in one piece. */
function readAnnounced(response: HttpResponse, done: (body: Uint8Array) => void): void {
  let chunks: Chunks | undefined
  response.onAborted(ignoreAbort)
  response.onData((chunk, isLast) => {
    if (isLast && chunks === undefined) {
      done(new Uint8Array(chunk))
      return
    }
    chunks ??= new Chunks()
    chunks.add(new Uint8Array(chunk))
    if (isLast) done(chunks.bytes)
  })
}

function readBounded(
  response: HttpResponse,
  announced: number,
  bytesMax: number,
  done: (body: Uint8Array | undefined) => void,
): void {
  let chunks = new Chunks()
  let length = 0
  let isDone = false
  let timer: NodeJS.Timeout | undefined
  const refuse = (): void => {
    clearTimeout(timer)
    isDone = true
    done(undefined)
  }
  const linger = (): void => {
    clearTimeout(timer)
    timer = setTimeout(refuse, LINGER_MS_MAX)
  }
  response.onAborted(() => clearTimeout(timer))
  if (announced > bytesMax) linger()
  response.onData((chunk, isLast) => {
    if (isDone) return
    length += chunk.byteLength
    if (length > bytesMax) {
      chunks = new Chunks()
      if (isLast || length > bytesMax + LINGER_BYTES_MAX) refuse()
      else linger()
    } else {
      chunks.add(new Uint8Array(chunk))
      if (isLast) done(chunks.bytes)
    }
  })
}
