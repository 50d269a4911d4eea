// The body of an SSE answer in a socket's bytes: takes the head and the chunked encoding off.
// Subscriber threads. A server may cut a chunk anywhere, also inside a stamp.

/** A head that is longer is none. */
const HEAD_LENGTH_MAX = 16_384

/** Where a piece of the body lies in what was read. */
export interface Piece {
  from: number
  to: number
}

/** The body of one answer. */
export class Body {
  /** Undefined while the head has not come. */
  status: number | undefined
  #head = ''
  #isChunked = false
  #chunkLeft = 0
  #size = 0
  #hasSize = false
  #isExtension = false

  /**
   * Looks for the next piece of the body in `bytes` from `piece.to` to `end`, and puts it there.
   * @returns false when there is none before `end`
   */
  next(bytes: Buffer, piece: Piece, end: number): boolean {
    if (this.status === undefined && !this.#readHead(bytes, piece, end)) return false
    if (!this.#isChunked) {
      piece.from = piece.to
      piece.to = end
      return piece.from < end
    }
    let at = piece.to
    while (at < end && this.#chunkLeft === 0) this.#readSize(bytes[at++] as number)
    piece.from = at
    piece.to = Math.min(end, at + this.#chunkLeft)
    this.#chunkLeft -= piece.to - at
    return piece.to > at
  }

  #readHead(bytes: Buffer, piece: Piece, end: number): boolean {
    const before = this.#head.length
    this.#head += bytes.toString('latin1', piece.to, end)
    const close = this.#head.indexOf('\r\n\r\n')
    if (close === -1) {
      if (this.#head.length > HEAD_LENGTH_MAX) this.status = 0
      return false
    }
    piece.to += close + 4 - before
    this.#isChunked = /\r\ntransfer-encoding: *chunked/i.test(this.#head.slice(0, close))
    this.status = Number(/^HTTP\/1\.\d (\d{3})/.exec(this.#head)?.[1] ?? 0)
    this.#head = ''
    return true
  }

  /** One byte of the lines between chunks: an empty one, then the size and what may follow it. */
  #readSize(byte: number): void {
    if (byte === 10) {
      if (this.#hasSize) this.#chunkLeft = this.#size
      this.#size = 0
      this.#hasSize = false
      this.#isExtension = false
    } else if (byte === 59) this.#isExtension = true
    else if (byte !== 13 && !this.#isExtension) {
      // '0' to '9', 'A' to 'F' and 'a' to 'f'.
      this.#size = this.#size * 16 + (byte <= 57 ? byte - 48 : (byte & 0xdf) - 55)
      this.#hasSize = true
    }
  }
}
