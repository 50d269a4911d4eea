// The executables for macOS, which nothing here can run: their structure, read by our own check and
// by LLVM's, and that Node finds in them what was put in. `make dist-check` runs it.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { readMachO, segmentOf } from '../../scripts/dist/macho.ts'
import { checkExecutable } from '../../scripts/dist/macho-check.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What LLVM reads of all commands; it ends with an error where one is malformed. */
function objdump(path: string): string {
  const argv = ['--macho', '--private-headers', '--section-headers', path]
  return execFileSync('llvm-objdump', argv, { encoding: 'utf8' })
}

for (const arch of ['amd64', 'arm64']) {
  describe(`carillon-darwin-${arch}`, () => {
    const path = `${root}dist/carillon-darwin-${arch}`
    const file = readFileSync(path)
    const machO = readMachO(file)

    it('is mapped as a whole, and each page has its sum in the signature', () => {
      checkExecutable(file, 'NODE_SEA')
    })

    it('is for this processor', () => {
      const magic = /MH_MAGIC_64\s+(\S+)\s.*\sEXECUTE\s/.exec(objdump(path))
      assert.equal(magic?.[1], arch === 'arm64' ? 'ARM64' : 'X86_64')
    })

    it("has the segments and the signature that LLVM's reader finds", () => {
      const commands = objdump(path).split('Load command ').slice(1)
      const field = (text: string, name: string): string =>
        new RegExp(`^\\s*${name} (\\S+)`, 'm').exec(text)?.[1] ?? ''
      const segments = commands
        .filter((text) => field(text, 'cmd') === 'LC_SEGMENT_64')
        .map((text) => ['segname', 'fileoff', 'filesize'].map((name) => field(text, name)))
      const ours = machO.segments.map((one) => [one.name, `${one.offset}`, `${one.fileSize}`])
      assert.deepEqual(segments, ours)
      const signatures = commands.filter((text) => field(text, 'cmd') === 'LC_CODE_SIGNATURE')
      assert.equal(signatures.length, 1)
      const [offset, bytes] = ['dataoff', 'datasize'].map((name) =>
        Number(field(signatures[0] as string, name)),
      )
      assert.equal((offset as number) + (bytes as number), file.length)
    })

    it('holds what was made for it, and the mark by which Node looks for it', () => {
      const [section] = segmentOf(machO, 'NODE_SEA').sections
      assert.ok(section !== undefined)
      const found = file.subarray(section.offset, section.offset + section.size)
      const blob = readFileSync(`${root}.cache/dist/darwin-${arch}/blob`)
      assert.ok(found.equals(blob))
      const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2:'
      const at = file.indexOf(fuse)
      assert.equal(file.toString('latin1', at, at + fuse.length + 1), `${fuse}1`)
    })
  })
}
