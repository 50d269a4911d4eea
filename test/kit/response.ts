// A uWebSockets.js response for tests of what is above it: it takes bytes until it is full, says
// when it has room, and is as strict as the real one about what may be done when.

import type { HttpResponse } from 'uWebSockets.js'
import assert from 'node:assert/strict'

/** The write that ends a chunk for clients which wait for whole chunks; see shard/stream.ts. */
const CLOSING = '\n'

/** The methods of a response that a stream uses, typed as in the library. */
type StreamMethods = Pick<
  HttpResponse,
  'cork' | 'write' | 'onWritable' | 'onAborted' | 'close' | 'end' | 'pause' | 'resume'
>

export class FakeResponse {
  /** Everything that was written, but for the closing writes. */
  text = ''
  /** Every write, as text. */
  readonly writes: string[] = []
  /** Bytes it takes before it is full. */
  room: number
  isFull = false
  isClosed = false
  /** How often its 10 s were started anew. */
  kept = 0
  /** Called with each write: time passes. */
  onWrite: () => void = () => {}

  #isCorked = false
  #corkWrites: string[] = []
  #isPaused = false
  #writable: ((offset: number) => boolean) | undefined
  #aborted: (() => void) | undefined

  constructor(room = Number.POSITIVE_INFINITY) {
    this.room = room
  }

  /** What the sources under test are given. */
  get asResponse(): HttpResponse {
    return this.#methods as unknown as HttpResponse
  }

  /** The bytes that the last write left without their end, for a client that wants chunks whole. */
  get endsOpen(): boolean {
    return this.writes.length > 0 && this.writes.at(-1) !== CLOSING
  }

  /** The client reads: there is room again for so many bytes. */
  drain(room: number): void {
    this.room = room
    this.isFull = false
    assert.equal(this.#writable?.(0), true, 'onWritable must say that all went well')
  }

  /** The client goes away. */
  abort(): void {
    assert.ok(!this.#isCorked, 'uWS tells of lost connections from its loop, not within a write')
    this.isClosed = true
    this.#aborted?.()
  }

  readonly #methods: StreamMethods = {
    cork: (callback) => {
      this.#mustBeOpen()
      assert.ok(!this.#isCorked, 'corks do not nest')
      this.#isCorked = true
      this.#corkWrites = []
      callback()
      this.#isCorked = false
      return this.asResponse
    },
    write: (chunk) => {
      this.#mustBeOpen()
      assert.ok(this.#isCorked, 'a write outside a cork costs four system calls')
      const text = Buffer.from(chunk as Uint8Array).toString('latin1')
      // A flush may end in a lone LF, too; but that is a view of a log.
      const closes = text === CLOSING && chunk instanceof ArrayBuffer
      // Only the closing write may follow in the cork of the write that has filled the socket.
      const isClosing = closes && this.#corkWrites.length === 1
      assert.ok(!this.isFull || isClosing, 'a write to a full socket')
      this.#corkWrites.push(text)
      this.writes.push(text)
      if (!closes) this.text += text
      this.room -= text.length
      if (this.room < 0) this.isFull = true
      this.onWrite()
      return !this.isFull
    },
    end: (body) => {
      this.#mustBeOpen()
      if (body !== undefined) this.text += String(body)
      this.isClosed = true
      return this.asResponse
    },
    close: () => {
      this.#mustBeOpen()
      this.abort()
      return this.asResponse
    },
    pause: () => {
      this.#mustBeOpen()
      this.#isPaused = true
    },
    resume: () => {
      this.#mustBeOpen()
      assert.ok(this.#isPaused, 'resume without pause')
      this.#isPaused = false
      this.kept++
    },
    onWritable: (handler) => {
      this.#writable = handler
      return this.asResponse
    },
    onAborted: (handler) => {
      this.#aborted = handler
      return this.asResponse
    },
  }

  #mustBeOpen(): void {
    assert.ok(!this.isClosed, 'a response was touched after its end')
  }
}
