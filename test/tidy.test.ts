// The house rules that formatter, linter and compiler cannot see: how rooms depend on each other,
// how files open, and that the docs say what the code does.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { optionPage } from '../src/config/help.ts'
import { options } from '../src/config/option.ts'
import { problems } from '../src/http/problem.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

// From the ground up: a room imports itself and rooms before it, never one after.
const ROOMS = [
  'error.ts',
  'event',
  'config',
  'rollup',
  'hub',
  'source',
  'shard',
  'ops',
  'http',
  'thread.ts',
  'index.ts',
  'main.ts',
]

const LINES_MAX = 300
const SAYS_NOTHING = /(^|\/)(utils?|helpers?|common|misc|manager|types)\.ts$/

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

function filesOf(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => join(folder, path))
}

function roomOf(path: string): string {
  return path.split('/')[1] as string
}

const sources = filesOf('src')
const everything = [...sources, ...filesOf('test'), ...filesOf('bench'), ...filesOf('scripts')]

describe('source files', () => {
  it('open with what they own', () => {
    const opens = /^(#!.*\n)?\/\/ /
    assert.deepEqual(
      sources.filter((path) => !opens.test(read(path))),
      [],
    )
  })

  it('import only their own room and rooms below', () => {
    const against = sources.flatMap((path) => {
      const own = ROOMS.indexOf(roomOf(path))
      assert.notEqual(own, -1, `room ${roomOf(path)} is not in the list`)
      const targets = [...read(path).matchAll(/from '(\.[^']+)'/g)].map(([, target]) => `${target}`)
      return targets
        .filter((target) => ROOMS.indexOf(roomOf(join(dirname(path), target))) > own)
        .map((target) => `${path} imports ${target}`)
    })
    assert.deepEqual(against, [])
  })

  it(`have at most ${LINES_MAX} lines: more are two rooms`, () => {
    assert.deepEqual(
      sources.filter((path) => read(path).split('\n').length - 1 > LINES_MAX),
      [],
    )
  })

  it('only http/app.ts loads uWebSockets.js', () => {
    const loads = /^import (?!type)[^;]*?from 'uWebSockets\.js'/m
    assert.deepEqual(
      sources.filter((path) => loads.test(read(path))),
      ['src/http/app.ts'],
    )
  })

  it('only config/ reads the environment and the command line', () => {
    const reads = sources.filter((path) => /process\.(env|argv)\b/.test(read(path)))
    assert.deepEqual(
      reads.filter((path) => roomOf(path) !== 'config'),
      [],
    )
  })

  it('no file shares memory between threads', () => {
    assert.deepEqual(
      sources.filter((path) => /SharedArrayBuffer\(|Atomics\.\w+\(/.test(read(path))),
      [],
    )
  })
})

describe('all files', () => {
  it('have names that say what they are', () => {
    assert.deepEqual(
      everything.filter((path) => SAYS_NOTHING.test(path)),
      [],
    )
  })

  it('leave nothing for later, and no test out', () => {
    const later = /\b(TODO|FIXME|XXX|HACK)\b|\b(test|it|describe)\.(skip|only|todo)\b/
    const own = 'test/tidy.test.ts'
    assert.deepEqual(
      everything.filter((path) => path !== own && later.test(read(path))),
      [],
    )
  })
})

describe('documents', () => {
  it('docs/options.md is the table of options (npm run docs writes it)', () => {
    assert.equal(read('docs/options.md'), optionPage())
  })

  it('docs/protocol.md has every problem code with its status', () => {
    const page = read('docs/protocol.md')
    for (const [code, [status]] of Object.entries(problems)) {
      assert.ok(page.includes(`| \`${code}\` | ${Number.parseInt(status, 10)} |`), code)
    }
  })

  it('docs/operations.md speaks of every limit', () => {
    const page = read('docs/operations.md')
    const limits = Object.keys(options).filter((name) => name.endsWith('Max'))
    assert.deepEqual(
      limits.filter((name) => !page.includes(`\`${name}\``)),
      [],
    )
  })

  it('relative links lead to files', () => {
    for (const page of ['README.md', ...readdirSync(join(root, 'docs')).map((f) => `docs/${f}`)]) {
      for (const [, link] of read(page).matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
        assert.doesNotThrow(() => read(join(dirname(page), link as string)), `${page}: ${link}`)
      }
    }
  })
})
