// Writes log lines so that a log which cannot be written disturbs nothing: a full disk, a pipe that
// nobody reads, a reader that is gone. What does not fit now is dropped and counted. Any thread.
import { constants, fstatSync, openSync, writeSync } from 'node:fs'

const STANDARD_ERROR = 2

/** Writes some bytes of them and tells how many, or throws where the file takes none now. */
export type WriteBytes = (bytes: Uint8Array) => number

/** The thread's own; opened with the first log. */
let standardError: number | undefined

/** Standard error, without waiting where it is a pipe that is full. */
export function writeStandardError(bytes: Uint8Array): number {
  standardError ??= openStandardError()
  return writeSync(standardError, bytes)
}

/**
 * A pipe or terminal can make its writers wait. Whether it does is a flag that it shares with other
 * programs, so it is opened once more, which Linux allows by this path. Where that is refused (the
 * pipe of another user, in containers) and on other systems, writes may wait. A file never does,
 * and keeps one place to write at only if it stays as it was given.
 */
function openStandardError(): number {
  const kind = fstatSync(STANDARD_ERROR)
  if (!kind.isFIFO() && !kind.isCharacterDevice()) return STANDARD_ERROR
  try {
    return openSync('/proc/self/fd/2', constants.O_WRONLY | constants.O_NONBLOCK)
  } catch {
    return STANDARD_ERROR
  }
}

export class LineWriter {
  readonly #write: WriteBytes
  readonly #resumed: (dropped: number) => void
  /** The end of a line that was taken in part: it goes before the next, or lines would mix. */
  #rest: Uint8Array = new Uint8Array()
  #dropped = 0

  /** @param resumed told, after a line that was taken, how many before it were not */
  constructor(write: WriteBytes, resumed: (dropped: number) => void) {
    this.#write = write
    this.#resumed = resumed
  }

  /** Takes a whole line with its line end. Never throws. */
  write(line: string): void {
    this.#rest = this.#rest.subarray(this.#take(this.#rest))
    const bytes = Buffer.from(line)
    const taken = this.#rest.length > 0 ? 0 : this.#take(bytes)
    if (taken === 0) {
      this.#dropped++
      return
    }
    this.#rest = bytes.subarray(taken)
    const dropped = this.#dropped
    this.#dropped = 0
    if (dropped > 0) this.#resumed(dropped)
  }

  /** @returns how many of the bytes were taken */
  #take(bytes: Uint8Array): number {
    let taken = 0
    try {
      while (taken < bytes.length) taken += this.#write(bytes.subarray(taken))
    } catch {
      // It takes no more now.
    }
    return taken
  }
}
