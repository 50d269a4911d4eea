// A release as the workflow makes it, with its real configuration, plugins and git, against a bare
// repository and a stand-in for GitHub's API. Only `make` is another: it would build for minutes.
// Needs Node 22 and the packages of scripts/release, which it installs.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { before, describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gitEnvironment, git as gitIn, trackedFiles } from '../kit/git.ts'
import { type GitHub, startGitHub } from '../kit/github.ts'
import { startProgram } from '../kit/program.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const REPOSITORY = 'example/carillon'

/** Leaves what `make build dist` leaves; writes down what it was asked for, and a token it got. */
const MAKE = `#!/bin/sh
echo "$*; \${GITHUB_TOKEN-no token}" >>"$MADE"
mkdir -p dist
echo compiled >dist/main.js
for name in linux-amd64 linux-amd64.tar.gz darwin-arm64; do echo binary >"dist/carillon-$name"; done
echo sums >dist/SHA256SUMS
`

interface Site {
  readonly github: GitHub
  /** Ends with its code; its output is in the messages of failures. */
  release(): Promise<void>
  git(...args: string[]): string
  commit(message: string, file: string, text: string): void
  /** What the release said to the jobs after it, and what it asked make for. */
  readonly outputs: () => string
  readonly made: () => string
}

function sh(cwd: string, program: string, ...args: string[]): string {
  return execFileSync(program, args, { cwd, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
}

// GitHub's plugin waits between its requests; meanwhile the other release is made.
describe('a release', { concurrency: true }, () => {
  let node22: string

  before(() => {
    node22 = sh(root, 'sh', 'scripts/node22.sh').trim()
    sh(root, 'make', '-s', 'scripts/release/node_modules/.installed')
  })

  async function prepareSite(t: TestContext): Promise<Site> {
    const folder = mkdtempSync(join(tmpdir(), 'carillon-release-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const clone = join(folder, 'clone')
    const bare = join(folder, 'bare.git')
    for (const name of ['clone', 'bin']) mkdirSync(join(folder, name))
    writeFileSync(join(folder, 'bin', 'make'), MAKE, { mode: 0o755 })
    const github = await startGitHub(t, REPOSITORY)
    const outputs = join(folder, 'outputs')
    const made = join(folder, 'made')

    const git = (...args: string[]): string => gitIn(clone, ...args)
    for (const path of trackedFiles(root)) {
      cpSync(join(root, path), join(clone, path))
    }
    symlinkSync(
      join(root, 'scripts/release/node_modules'),
      join(clone, 'scripts/release/node_modules'),
    )
    git('init', '-q', '-b', 'main')
    gitIn(folder, 'init', '-q', '--bare', '-b', 'main', bare)
    const url = `https://github.com/${REPOSITORY}.git`
    git('config', `url.file://${bare}.insteadOf`, url)
    git('remote', 'add', 'origin', url)
    git('add', '.')
    git('commit', '-qm', 'chore: begin')
    git('tag', 'v0.1.0')
    git('push', '-q', '--tags', 'origin', 'main')

    // Nothing of the job that these tests may run in.
    const inherited = Object.entries(gitEnvironment()).filter(
      ([name]) => !/^(GITHUB|GH|NPM)_/.test(name),
    )
    const env = {
      ...Object.fromEntries(inherited),
      PATH: [join(folder, 'bin'), dirname(node22), process.env['PATH']].join(delimiter),
      MADE: made,
      CI: 'true',
      GITHUB_ACTIONS: 'true',
      GITHUB_EVENT_NAME: 'push',
      GITHUB_REF: 'refs/heads/main',
      GITHUB_REPOSITORY: REPOSITORY,
      GITHUB_API_URL: github.url,
      GITHUB_TOKEN: 'a-token-that-nobody-checks',
      GITHUB_OUTPUT: outputs,
    }
    const command = 'scripts/release/node_modules/semantic-release/bin/semantic-release.js'
    return {
      github,
      git,
      outputs: () => readFileSync(outputs, 'utf8'),
      made: () => readFileSync(made, 'utf8'),
      async release() {
        const program = startProgram(t, 'env', [
          '-i',
          ...Object.entries(env).map(([name, value]) => `${name}=${value}`),
          ...[
            'sh',
            '-c',
            `cd '${clone}' && exec node ${command} --extends ./scripts/release/config.ts`,
          ],
        ])
        const code = await program.ended
        assert.equal(code, 0, [...program.lines, ...program.errors].join('\n'))
      },
      commit(message, file, text) {
        appendFileSync(join(clone, file), text)
        git('commit', '-qam', message)
        git('push', '-q', 'origin', 'main')
      },
    }
  }

  it('has the version that commits ask for, its notes, its files, and its changelog on main', async (t) => {
    const site = await prepareSite(t)
    site.commit('feat(http): a new path', 'README.md', '\nmore\n')
    site.commit('fix: an old fault', 'README.md', '\nmore\n')
    await site.release()

    site.git('fetch', '-q', '--tags', 'origin')
    assert.equal(
      site.git('log', '-1', '--format=%s', 'v0.2.0').trim(),
      'chore(release): 0.2.0 [skip ci]',
    )
    assert.equal(site.git('rev-parse', 'v0.2.0'), site.git('rev-parse', 'origin/main'))
    const changed = site.git('diff', '--name-only', 'v0.2.0~1', 'v0.2.0').trim().split('\n')
    assert.deepEqual(changed, ['CHANGELOG.md', 'package-lock.json', 'package.json'])
    assert.match(
      site.git('show', 'v0.2.0:CHANGELOG.md'),
      /^## \[Unreleased\]\n\n## \[0\.2\.0\] - \d{4}-\d\d-\d\d\n\n/m,
    )
    const pkg = JSON.parse(site.git('show', 'v0.2.0:package.json'))
    assert.equal(pkg.version, '0.2.0')
    assert.equal(pkg.repository.url, `git+https://github.com/${REPOSITORY}.git`)
    assert.equal(JSON.parse(site.git('show', 'v0.2.0:package-lock.json')).version, '0.2.0')

    assert.equal(site.made(), '-s build dist; no token\n')
    assert.equal(site.outputs(), 'version=0.2.0\n')
    const [release, ...others] = site.github.releases
    assert.ok(release)
    assert.deepEqual(others, [])
    assert.deepEqual(site.github.unknown, [])
    assert.equal(release.tag_name, 'v0.2.0')
    assert.equal(release.draft, false)
    assert.match(release.body, /### Features\n\n\* \*\*http:\*\* a new path/)
    assert.deepEqual([...release.assets.keys()].sort(), [
      'SHA256SUMS',
      'carillon-0.2.0.tgz',
      'carillon-darwin-arm64',
      'carillon-linux-amd64',
      'carillon-linux-amd64.tar.gz',
    ])
    assert.ok([...release.assets.values()].every((bytes) => bytes > 0))
  })

  it('is none where no commit asks for one', async (t) => {
    const site = await prepareSite(t)
    const head = site.git('rev-parse', 'origin/main')
    site.commit('docs: say it better', 'README.md', '\nmore\n')
    await site.release()
    site.git('fetch', '-q', '--tags', 'origin')
    assert.equal(site.git('rev-parse', 'origin/main~1'), head)
    assert.equal(site.git('tag').trim(), 'v0.1.0')
    assert.deepEqual(site.github.releases, [])
  })
})
