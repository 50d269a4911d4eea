// One SSE stream on its uWebSockets.js response: writing with the traps of that build in mind.
// Shard thread. Knows bytes and back-pressure, nothing of feeds.
import type { HttpResponse } from 'uWebSockets.js'

/**
 * Largest chunk that shares one cork with its closing write. uWS's cork buffer is 16 KiB; a larger
 * chunk uncorks the socket, and the closing write in the same cork costs 6 sends instead of 3.
 */
const CORK_BYTES_MAX = 16_000

/**
 * `write` leaves a chunk's closing CRLF to the next write, and clients that deliver whole chunks
 * only (Python's urllib3) would see every event one write late. An empty line is nothing in SSE.
 */
const CLOSING = new TextEncoder().encode('\n').buffer

/** What the owner of a stream is told. */
export interface StreamOwner {
  /** The socket took all it held; writing may go on. Called corked. */
  writable(): void
  /** The connection is gone, by the client or by `closeStream`. Nothing may be written any more. */
  gone(): void
}

// The write that is being corked. `cork` calls back at once, so one slot serves all streams of the
// thread, and no subscriber needs a closure of its own for it. Between writes the chunk is CLOSING:
// a view that stayed here would keep its log's whole buffer alive.
let writing: HttpResponse
let chunk: Uint8Array | ArrayBuffer = CLOSING
let hasRoom = true

function writeChunk(): void {
  hasRoom = writing.write(chunk)
}

function writeChunkAndClosing(): void {
  hasRoom = writing.write(chunk)
  if (!writing.write(CLOSING)) hasRoom = false
}

function writeNothing(): void {}

/** Headers must have been written. The owner must live as long as the stream. */
export function openStream(response: HttpResponse, owner: StreamOwner): void {
  // Without onWritable, uWS closes the stream 10 s after its buffer has drained.
  response.onWritable(() => {
    // uWS sends its own remainder only when something is corked here, if only nothing.
    response.cork(writeNothing)
    owner.writable()
    return true
  })
  response.onAborted(() => owner.gone())
}

/**
 * Writes bytes, and the closing write if they end where an event ends (`closing`). All bytes
 * are taken in any case.
 * @returns false when the socket is full: do not write again until `writable`.
 */
export function writeStream(response: HttpResponse, bytes: Uint8Array, closing: boolean): boolean {
  writing = response
  chunk = bytes
  const isOneCork = closing && bytes.length <= CORK_BYTES_MAX
  response.cork(isOneCork ? writeChunkAndClosing : writeChunk)
  chunk = CLOSING
  return closing && !isOneCork && hasRoom ? writeClosing(response) : hasRoom
}

/** Ends the chunk written last, so that clients which wait for whole chunks see it. */
export function writeClosing(response: HttpResponse): boolean {
  writing = response
  response.cork(writeChunk)
  return hasRoom
}

/**
 * uWS gives a full socket 10 s to take something, then aborts it. This starts the 10 s anew
 * (measured: pause and resume do, further writes do not), so that our own limits decide.
 */
export function keepStream(response: HttpResponse): void {
  response.pause()
  response.resume()
}

/** Closes the connection at once; what uWS still holds is lost. Calls the owner's `gone`. */
export function closeStream(response: HttpResponse): void {
  response.close()
}

/**
 * Writes a last chunk and ends the stream; `gone` is not called. The connection stays open until
 * the client or the app closes it: told to close it, uWS would write its `Connection: close`
 * header here, into the chunked body.
 */
export function endStream(response: HttpResponse, last: Uint8Array): void {
  response.cork(() => {
    response.write(last)
    response.end()
  })
}
