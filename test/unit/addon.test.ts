// Where a single-file executable puts its addon: into a file that nobody else can change, whatever
// was there before and whoever starts at the same time.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { resolveConfig } from '../../src/config/parse.ts'
import { CarillonError } from '../../src/error.ts'
import { addonFolders, placeFile } from '../../src/hub/addon.ts'

const root = mkdtempSync(join(tmpdir(), 'carillon-addon-'))
after(() => rmSync(root, { recursive: true }))

const bytes = Buffer.from('an addon, as far as this is concerned')
let folders = 0

/** A path at which nothing is. */
function fresh(): string {
  return join(root, `${folders++}`)
}

function modeOf(path: string): number {
  return statSync(path).mode & 0o777
}

/** Fails for one reason, which is told of the folder, with the way out. */
function assertRefused(folder: string, why: RegExp): void {
  assert.throws(
    () => placeFile(bytes, [folder]),
    (error) => {
      assert.ok(error instanceof CarillonError)
      assert.equal(error.code, 'no_addon_folder')
      assert.match(error.message, why)
      assert.ok(error.message.includes(folder))
      assert.match(error.message, /^[^\n]*--addon-folder[^\n]*$/)
      return true
    },
  )
}

describe('the file of the addon', () => {
  it('is made in a folder of its own, under its sum, for nobody else', () => {
    const folder = join(fresh(), 'in', 'between')
    const placed = placeFile(bytes, [folder])
    assert.equal(placed.folder, folder)
    assert.match(placed.path, /\/[0-9a-f]{64}\.node$/)
    assert.deepEqual(readFileSync(placed.path), bytes)
    assert.equal(modeOf(folder), 0o700)
    assert.equal(modeOf(placed.path), 0o500)
  })

  it('is used again where it is good', () => {
    const folder = fresh()
    const { ino } = statSync(placeFile(bytes, [folder]).path)
    assert.equal(statSync(placeFile(bytes, [folder]).path).ino, ino)
  })

  it('is replaced where it is not', () => {
    const folder = fresh()
    const { path } = placeFile(bytes, [folder])
    const spoil: readonly (() => void)[] = [
      () => writeFileSync(path, bytes.subarray(1)),
      () => writeFileSync(path, Buffer.from(bytes).fill(0, 5, 6)),
      () => writeFileSync(path, ''),
      () => symlinkSync('/dev/null', path),
      // Somebody may have it open for writing.
      () => {
        writeFileSync(path, bytes)
        chmodSync(path, 0o777)
      },
    ]
    for (const spoiled of spoil) {
      rmSync(path)
      spoiled()
      chmodSync(folder, 0o700)
      assert.equal(placeFile(bytes, [folder]).path, path)
      assert.deepEqual(readFileSync(path), bytes)
      assert.equal(modeOf(path), 0o500)
      assert.equal(readdirSync(folder).length, 1)
    }
  })

  it('is whole for all that start at the same moment', async () => {
    const STARTS = 8
    const folder = fresh()
    // Large enough that half a file could be seen.
    const code = `
      import { readFileSync } from 'node:fs'
      import { placeFile } from '${new URL('../../dist/hub/addon.js', import.meta.url)}'
      const bytes = Buffer.alloc(4_000_000, 'addon')
      process.stdin.once('data', () => {
        const { path } = placeFile(bytes, [process.argv[1]])
        process.exit(readFileSync(path).equals(bytes) ? 0 : 1)
      })
      process.stdout.write('ready')`
    const starts = Array.from({ length: STARTS }, () => {
      const argv = ['--input-type=module', '-e', code, folder]
      return spawn(process.execPath, argv, { stdio: ['pipe', 'pipe', 'inherit'] })
    })
    const ended = starts.map((child) => once(child, 'close'))
    await Promise.all(starts.map(({ stdout }) => once(stdout, 'data')))
    for (const { stdin } of starts) stdin.write('go')
    for (const end of ended) assert.deepEqual(await end, [0, null])
    assert.equal(readdirSync(folder).length, 1)
  })
})

describe('a folder', () => {
  it('that others may write to is refused', () => {
    for (const mode of [0o770, 0o702]) {
      const folder = fresh()
      mkdirSync(folder)
      chmodSync(folder, mode)
      assertRefused(folder, /others may write to it/)
      assert.deepEqual(readdirSync(folder), [])
    }
  })

  it('that is a link, or a file, is refused', () => {
    const [link, aim, file] = [fresh(), fresh(), fresh()]
    mkdirSync(aim, { mode: 0o700 })
    symlinkSync(aim, link)
    assertRefused(link, /not a folder/)
    writeFileSync(file, '')
    assertRefused(file, /not a folder/)
  })

  it('that cannot be made is refused with the reason of the system', () => {
    assertRefused('/proc/carillon', /ENOENT/)
    assertRefused('/dev/null/carillon', /ENOTDIR/)
  })

  it('that cannot be used leaves it to the next', () => {
    const folder = fresh()
    assert.equal(placeFile(bytes, ['/dev/null/carillon', folder]).folder, folder)
  })
})

describe('without the option, the folder', () => {
  const { HOME, TMPDIR } = process.env
  const auto = (home: string | undefined): string[] => {
    if (home === undefined) delete process.env['HOME']
    else process.env['HOME'] = home
    process.env['TMPDIR'] = root
    try {
      return addonFolders(resolveConfig({}))
    } finally {
      for (const [name, value] of Object.entries({ HOME, TMPDIR })) {
        if (value === undefined) delete process.env[name]
        else process.env[name] = value
      }
    }
  }
  const temporary = join(root, `carillon-${process.getuid?.()}`)

  it("is one of the user's caches, else one of temporary files, by the user's number", () => {
    assert.deepEqual(auto('/home/somebody'), ['/home/somebody/.cache/carillon', temporary])
  })

  it('is never one of the working directory', () => {
    assert.deepEqual(auto(''), [temporary])
    assert.deepEqual(auto('relative'), [temporary])
  })

  it('is the one of the option, and no other, where there is one', () => {
    const { addonFolder: _, ...rest } = resolveConfig({})
    assert.deepEqual(addonFolders({ ...rest, addonFolder: 'a/b' }), [join(process.cwd(), 'a/b')])
  })
})
