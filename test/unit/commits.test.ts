// `make commits`: which messages of commits are refused, wherever in a branch they are.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { git, gitEnvironment } from '../kit/git.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Commits with these messages on a branch; what the check of the branch says, and its code. */
function check(t: TestContext, messages: readonly string[]): { code: number | null; said: string } {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-commits-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const name of ['scripts', '.githooks']) mkdirSync(join(folder, name))
  for (const path of ['scripts/commits.sh', '.githooks/commit-msg']) {
    cpSync(join(root, path), join(folder, path))
  }
  git(folder, 'init', '-q', '-b', 'main')
  git(folder, 'commit', '-q', '--allow-empty', '-m', 'Whatever was before')
  git(folder, 'switch', '-qc', 'branch')
  for (const message of messages) git(folder, 'commit', '-q', '--allow-empty', '-m', message)
  git(folder, 'switch', '-q', 'main')
  git(folder, 'commit', '-q', '--allow-empty', '-m', 'chore: meanwhile')
  git(folder, 'switch', '-q', 'branch')
  git(folder, 'merge', '-q', '--no-edit', 'main')
  const { status, stderr } = spawnSync('sh', ['scripts/commits.sh', 'main', 'HEAD'], {
    cwd: folder,
    env: gitEnvironment(),
    encoding: 'utf8',
  })
  return { code: status, said: stderr }
}

describe('messages of commits', () => {
  it('are taken by their convention; merges and what was before are not asked', (t) => {
    const messages = ['feat: a', 'fix(http)!: b\n\nWhy.', `docs: ${'x'.repeat(66)}`, 'revert: c']
    assert.deepEqual(check(t, messages), { code: 0, said: '' })
  })

  it('are named where they are not of it', (t) => {
    const { code, said } = check(t, ['feature: a', 'fix: b', 'Fix c', `docs: ${'x'.repeat(67)}`])
    assert.equal(code, 1)
    const named = said.split('\n').filter((line) => line.startsWith('  '))
    const subjects = named.map((line) => line.trim().replace(/^\S+ /, ''))
    assert.deepEqual(subjects, ['feature: a', 'Fix c', `docs: ${'x'.repeat(67)}`])
  })
})
