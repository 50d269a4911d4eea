// Log lines on a file that does not take them: nothing is thrown, no two lines mix, what is dropped
// is counted and told.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { LineWriter } from '../../src/ops/line-writer.ts'

/** A file with room for so many bytes, which takes at most `most` of them in one write. */
class SmallFile {
  text = ''
  room: number
  readonly #most: number

  constructor(room: number, most = Number.POSITIVE_INFINITY) {
    this.room = room
    this.#most = most
  }

  readonly write = (bytes: Uint8Array): number => {
    if (this.room === 0) throw Object.assign(new Error('full'), { code: 'ENOSPC' })
    const taken = Math.min(this.room, this.#most, bytes.length)
    this.room -= taken
    this.text += Buffer.from(bytes.subarray(0, taken)).toString('latin1')
    return taken
  }
}

function writerOn(file: SmallFile): { writer: LineWriter; told: number[] } {
  const told: number[] = []
  return { writer: new LineWriter(file.write, (dropped) => told.push(dropped)), told }
}

describe('a log line', () => {
  it('is written whole, also where the file takes it in pieces', () => {
    const file = new SmallFile(100, 3)
    const { writer, told } = writerOn(file)
    writer.write('one line\n')
    assert.equal(file.text, 'one line\n')
    assert.deepEqual(told, [])
  })

  it('is dropped where the file is full, and counted when it has room again', () => {
    const file = new SmallFile(4)
    const { writer, told } = writerOn(file)
    for (const line of ['one\n', 'two\n', 'six\n']) writer.write(line)
    assert.deepEqual(told, [])
    file.room = 100
    writer.write('ten\n')
    assert.equal(file.text, 'one\nten\n')
    assert.deepEqual(told, [2])
    writer.write('end\n')
    assert.deepEqual(told, [2], 'told once')
  })

  it('that was taken in part is finished before the next begins', () => {
    const file = new SmallFile(2)
    const { writer, told } = writerOn(file)
    writer.write('one\n')
    writer.write('two\n')
    assert.equal(file.text, 'on')
    file.room = 100
    writer.write('six\n')
    assert.equal(file.text, 'one\nsix\n')
    assert.deepEqual(told, [1])
  })

  it('never mixes with another, whenever there is room', () => {
    const step = fc.oneof(
      fc.record({ line: fc.stringMatching(/^[a-z]{0,12}$/) }),
      fc.record({ room: fc.nat(20) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const file = new SmallFile(10)
        const { writer, told } = writerOn(file)
        const lines: string[] = []
        for (const one of steps) {
          if ('room' in one) file.room += one.room
          else {
            lines.push(one.line)
            writer.write(`${one.line}\n`)
          }
        }
        file.room = 1000
        writer.write('end\n')
        const got = file.text.split('\n').slice(0, -1)
        let at = 0
        for (const line of got.slice(0, -1)) {
          at = lines.indexOf(line, at) + 1
          assert.ok(at > 0, `${line} is none of ${lines.join()}`)
        }
        const dropped = told.reduce((sum, count) => sum + count, 0)
        assert.equal(got.length - 1 + dropped, lines.length)
      }),
    )
  })
})
