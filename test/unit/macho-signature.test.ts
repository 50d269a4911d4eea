// The signatures of macOS's executables, held against one of Apple's linker: uWebSockets.js's addon
// for arm64 has one. Its addon for x64 has none.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { readMachO, segmentOf } from '../../scripts/dist/macho.ts'
import { checkSegments, checkSignature } from '../../scripts/dist/macho-check.ts'
import { sign, unsign } from '../../scripts/dist/macho-signature.ts'

function addon(arch: string): Buffer {
  const path = `../../node_modules/uWebSockets.js/dist/bin/uws_darwin_${arch}_127.node`
  return readFileSync(new URL(path, import.meta.url))
}

const signed = addon('arm64')
const plain = addon('x64')

/** The text of what is found wrong; empty where nothing is. */
function fault(check: () => void): string {
  try {
    check()
    return ''
  } catch (error) {
    return (error as Error).message
  }
}

describe('sign', () => {
  it("makes the linker's own signature, byte for byte", () => {
    const again = sign(unsign(signed), 'uws_darwin_arm64_127.node')
    assert.ok(again.equals(signed))
  })

  it('takes an older signature off', () => {
    const other = sign(signed, 'carillon')
    assert.equal(
      fault(() => checkSignature(other)),
      '',
    )
    assert.ok(unsign(other).equals(unsign(signed)))
  })

  it('adds one to a file that has none, and changes nothing else of it', () => {
    const made = sign(plain, 'carillon')
    assert.equal(
      fault(() => checkSignature(made)),
      '',
    )
    assert.equal(
      fault(() => checkSegments(made, readMachO(made))),
      '',
    )
    // But for the count and size of the commands, the size of __LINKEDIT, and the new command.
    const { at } = segmentOf(readMachO(plain), '__LINKEDIT')
    const end = readMachO(made).commandsEnd
    const may = [
      [16, 24],
      [at + 32, at + 40],
      [at + 48, at + 56],
      [end - 16, end],
    ] as const
    const changed = [...plain.entries()].filter(([index, byte]) => byte !== made[index])
    const else_ = changed.filter(([index]) => !may.some(([a, b]) => index >= a && index < b))
    assert.deepEqual(else_, [])
    assert.ok(changed.length > 0)
  })

  it('refuses what it cannot sign', () => {
    assert.throws(() => sign(Buffer.alloc(4096), 'a'), /not a Mach-O file/)
    assert.throws(() => sign(Buffer.concat([plain, Buffer.alloc(1)]), 'a'), /does not end with/)
    const full = Buffer.from(plain)
    // The first section begins right behind the commands.
    const [text] = readMachO(full).segments
    full.writeUInt32LE(readMachO(full).commandsEnd + 8, (text?.at as number) + 72 + 48)
    assert.throws(() => sign(full, 'a'), /no room/)
  })
})

describe('checkSignature', () => {
  it('finds a changed byte in any page', () => {
    const offset = signed.length - 41_958
    for (const at of [64, 4095, 4096, offset / 2, offset - 1]) {
      const broken = Buffer.from(signed)
      broken.writeUInt8((broken.readUInt8(Math.floor(at)) + 1) % 256, Math.floor(at))
      const page = Math.floor(at / 4096)
      assert.equal(
        fault(() => checkSignature(broken)),
        `the sum of page ${page} is wrong`,
      )
    }
  })

  it('finds a signature that is cut off, of less than all, or missing', () => {
    assert.match(
      fault(() => checkSignature(signed.subarray(0, -1))),
      /not the end/,
    )
    assert.match(
      fault(() => checkSignature(plain)),
      /0 signatures/,
    )
    const less = Buffer.from(signed)
    const limitAt = signed.length - 41_958 + 20 + 32
    less.writeUInt32BE(less.readUInt32BE(limitAt) - 4096, limitAt)
    assert.equal(
      fault(() => checkSignature(less)),
      'not all is signed',
    )
  })
})

describe('checkSegments', () => {
  const machO = readMachO(signed)
  const { at } = segmentOf(machO, '__LINKEDIT')
  const cases: readonly [what: string, offset: number, value: bigint, why: RegExp][] = [
    ['that overlap in memory', 24, 0n, /__LINKEDIT lies at 0, below/],
    ['that begin within a page', 24, 2n ** 33n + 8n, /__LINKEDIT begins within a page/],
    ['that overlap in the file', 40, 0n, /__LINKEDIT lies at 0 in the file/],
    ['that are larger in the file', 32, 4096n, /__LINKEDIT is smaller than in the file/],
    ['that do not fill the file', 48, 4096n, /segments end at \d+, the file at/],
  ]
  it('takes those of a good file', () => {
    assert.equal(
      fault(() => checkSegments(signed, machO)),
      '',
    )
  })
  for (const [what, offset, value, why] of cases) {
    it(`finds segments ${what}`, () => {
      const broken = Buffer.from(signed)
      broken.writeBigUInt64LE(value, at + offset)
      assert.match(
        fault(() => checkSegments(broken, readMachO(broken))),
        why,
      )
    })
  }
})
