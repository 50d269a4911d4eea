// A feed's log: the frames that some subscriber may still need, with absolute positions.
// Shard thread. One stretch of memory, so that any range of it goes out in a single write.

const CAPACITY_BYTES_MIN = 4 * 1024
/** A larger buffer is given back when nobody needs its content. */
const CAPACITY_BYTES_KEPT = 256 * 1024
const NOTHING = Buffer.alloc(0)

export class Log {
  /** Position after the last byte. Positions only grow; 2^53 bytes last for centuries. */
  head = 0

  #buffer = NOTHING
  /** Position of the buffer's first byte. */
  #base = 0
  /** Nobody needs anything before this position. */
  #tail = 0

  /** Bytes that are kept for somebody. */
  get heldBytes(): number {
    return this.head - this.#tail
  }

  append(bytes: Uint8Array): void {
    if (this.head - this.#base + bytes.length > this.#buffer.length) this.#makeRoom(bytes.length)
    this.#buffer.set(bytes, this.head - this.#base)
    this.head += bytes.length
  }

  /** The bytes from one position to another, valid until the next `append` or `release`. */
  view(from: number, to: number): Uint8Array {
    return this.#buffer.subarray(from - this.#base, to - this.#base)
  }

  /** Nobody needs anything before `tail` any more. */
  release(tail: number): void {
    this.#tail = tail
    if (tail < this.head) return
    this.#base = tail
    if (this.#buffer.length > CAPACITY_BYTES_KEPT) this.#buffer = NOTHING
  }

  /** Gives the buffer back if nobody needs its content: thousands of idle feeds have one each. */
  trim(): void {
    if (this.heldBytes === 0) this.#buffer = NOTHING
  }

  /** Moves what is held to the front, and doubles the buffer where that is not enough. */
  #makeRoom(bytes: number): void {
    const held = this.view(this.#tail, this.head)
    const needed = held.length + bytes
    // Moving is only worth it when it frees half: else a full log would be moved at each append.
    if (needed <= this.#buffer.length / 2) this.#buffer.set(held)
    else {
      let capacity = Math.max(CAPACITY_BYTES_MIN, this.#buffer.length)
      while (capacity < needed * 2) capacity *= 2
      const larger = Buffer.allocUnsafeSlow(capacity)
      larger.set(held)
      this.#buffer = larger
    }
    this.#base = this.#tail
  }
}
