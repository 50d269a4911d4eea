// What shellcheck finds in shell scripts, the hooks, and the scripts within workflows.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { trackedFiles } from '../kit/git.ts'
import { startProgram } from '../kit/program.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const files = trackedFiles(root)

describe('shellcheck', () => {
  it('finds nothing in scripts and hooks', async (t) => {
    const scripts = files
      .filter((path) => /\.sh$|^\.githooks\/|^\.ci\/run$/.test(path))
      .map((path) => join(root, path))
    assert.ok(scripts.length >= 8)
    const shellcheck = startProgram(t, 'shellcheck', scripts)
    assert.equal(await shellcheck.ended, 0, shellcheck.lines.join('\n'))
  })

  it('finds nothing in the scripts of workflows', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'carillon-shell-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const scripts = files
      .filter((path) => path.startsWith('.github/workflows/'))
      .flatMap((path) => {
        const { jobs } = parse(readFileSync(join(root, path), 'utf8')) as {
          jobs: Record<string, { steps?: { run?: string }[] }>
        }
        return Object.values(jobs).flatMap(({ steps }) => (steps ?? []).map(({ run }) => run))
      })
      .filter((run) => run !== undefined)
      .map((run, index) => {
        const path = join(folder, `${index}.sh`)
        writeFileSync(path, `#!/bin/bash\n${run}`)
        return path
      })
    assert.ok(scripts.length >= 8)
    const shellcheck = startProgram(t, 'shellcheck', scripts)
    assert.equal(await shellcheck.ended, 0, shellcheck.lines.join('\n'))
  })
})
