// The house rules that formatter, linter and compiler cannot see: how rooms depend on each other,
// how files open, and that the docs say what the code does.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { publishOptions, tailOptions } from '../../src/config/client-option.ts'
import { flagOf } from '../../src/config/flag.ts'
import { optionPage } from '../../src/config/help.ts'
import { options } from '../../src/config/option.ts'
import { problems } from '../../src/http/problem.ts'
import { metricsPage } from '../../src/ops/metrics.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

// From the ground up: a room imports itself and rooms before it, never one after.
const ROOMS = [
  'error.ts',
  'document',
  'page',
  'event',
  'config',
  'rollup',
  'client',
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
    .filter((path) => path.endsWith('.ts') && !path.includes('node_modules'))
    .map((path) => join(folder, path))
}

function roomOf(path: string): string {
  return path.split('/')[1] as string
}

/** The build writes it; it is nobody's to read. */
const GENERATED = 'src/document/serialize.ts'

const sources = filesOf('src').filter((path) => path !== GENERATED)
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
      const targets = [...read(path).matchAll(/(?:from |import\()'(\.[^']+)'/g)].map(
        ([, target]) => `${target}`,
      )
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

  it('only test/kit/git.ts runs git: within a hook, git would take our repository for the test', () => {
    const runs = /\b(exec|execFile|spawn)(Sync)?\(\s*['"`]git\b|\bstartProgram\(\w+, 'git'/
    const tests = everything.filter((path) => path.startsWith('test/') && runs.test(read(path)))
    assert.deepEqual(tests, ['test/kit/git.ts'])
  })

  it('leave nothing for later, and no test out', () => {
    const later = /\b(TODO|FIXME|XXX|HACK)\b|\b(test|it|describe)\.(skip|only|todo)\b/
    const own = 'test/unit/tidy.test.ts'
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

  it('docs/metrics.md is the table of metrics (npm run docs writes it)', () => {
    assert.equal(read('docs/metrics.md'), metricsPage())
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

  it('docs/command.md speaks of every limit of the client', () => {
    const page = read('docs/command.md')
    const limits = [...Object.keys(publishOptions), ...Object.keys(tailOptions)]
      .filter((name) => name.endsWith('Max'))
      .map(flagOf)
    assert.ok(limits.length > 3)
    assert.deepEqual(
      limits.filter((flag) => !page.includes(`\`${flag}\``)),
      [],
    )
  })

  it('docs/reliability.md names tests that there are', () => {
    const promises = read('docs/reliability.md')
      .split('\n')
      .filter((line) => line.includes('| **') || line.startsWith('| **'))
    assert.ok(promises.length > 10)
    for (const promise of promises) {
      const named = [
        ...promise.matchAll(/\]\(\.\.\/(test\/[^)]+)\): (.+?)(?=; in every|; \[| \|$)/g),
      ]
      assert.ok(named.length > 0, promise)
      for (const [, file, names] of named) {
        // Names, and parts of them, are set apart by the same sign.
        for (const name of (names as string).split('; ')) {
          assert.ok(read(file as string).includes(name), `${file}: ${name}`)
        }
      }
    }
  })

  it('relative links lead to files', () => {
    const pages = ['', 'docs/', '.github/'].flatMap((folder) =>
      readdirSync(join(root, folder))
        .filter((name) => name.endsWith('.md'))
        .map((name) => `${folder}${name}`),
    )
    for (const page of pages) {
      for (const [, link] of read(page).matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
        assert.doesNotThrow(() => read(join(dirname(page), link as string)), `${page}: ${link}`)
      }
    }
  })
})
