// What a release makes of the changelog that people write.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  generateNotes,
  prepare,
  released,
  verifyConditions,
} from '../../scripts/release/changelog.ts'

const HEAD = '# Changelog\n\nAll of it.\n\n'
const DAY = '2026-01-31'

function folderWith(t: TestContext, changelog: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-changelog-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'CHANGELOG.md'), changelog)
  return folder
}

describe('the changelog of a release', () => {
  it('has what was unreleased under its version, above the older ones', () => {
    const older = '## [1.0.0] - 2025-12-24\n\n### Added\n\n- A.\n'
    const changelog = `${HEAD}## [Unreleased]\n\n### Fixed\n\n- B.\n\n${older}`
    assert.equal(
      released(changelog, '1.0.1', DAY, ['fix: not this']),
      `${HEAD}## [Unreleased]\n\n## [1.0.1] - ${DAY}\n\n### Fixed\n\n- B.\n\n${older}`,
    )
  })

  it('can be the first, and again', () => {
    const first = released(`${HEAD}## [Unreleased]\n\n- A.\n`, '1.0.0', DAY, [])
    assert.equal(first, `${HEAD}## [Unreleased]\n\n## [1.0.0] - ${DAY}\n\n- A.\n`)
    const more = first.replace('## [Unreleased]\n', '## [Unreleased]\n\n- B.\n')
    assert.equal(
      released(more, '1.1.0', DAY, []),
      `${HEAD}## [Unreleased]\n\n## [1.1.0] - ${DAY}\n\n- B.\n\n## [1.0.0] - ${DAY}\n\n- A.\n`,
    )
  })

  it('is made from commits that make a version, where nobody wrote anything', () => {
    const subjects = [
      'fix(deps): bump pino from 10.4.0 to 10.4.1',
      'docs: say it better',
      'feat!: forget the old path',
      'fixture: is no fix',
      'feat(http): a new path',
    ]
    const section = released(`${HEAD}## [Unreleased]\n`, '2.0.0', DAY, subjects)
      .split(`${DAY}\n\n`)
      .at(-1)
    assert.equal(
      section,
      '### Added\n\n- forget the old path\n- http: a new path\n\n' +
        '### Fixed\n\n- deps: bump pino from 10.4.0 to 10.4.1\n',
    )
  })

  it('is refused without its heading, or with two, before anything is released', async (t) => {
    const options = { repositoryUrl: 'https://github.com/o/r.git' }
    for (const changelog of ['# Changelog\n', '## [Unreleased]\n\n## [Unreleased]\n']) {
      const cwd = folderWith(t, changelog)
      await assert.rejects(
        verifyConditions({}, { cwd, options }),
        /## \[Unreleased\].* exactly once/,
      )
    }
  })

  it('of this project can be released', async () => {
    const cwd = fileURLToPath(new URL('../..', import.meta.url))
    await verifyConditions({}, { cwd, options: { repositoryUrl: '' } })
  })

  it('opens the notes, with links that lead from their page into the version', async (t) => {
    const text = '- [How](docs/a.md#b), [where](https://example.org/), [up](#top).'
    const cwd = folderWith(t, `## [Unreleased]\n\n${text}\n`)
    const options = { repositoryUrl: 'https://github.com/o/r.git' }
    const nextRelease = { version: '1.2.3', gitTag: 'v1.2.3' }
    assert.equal(
      await generateNotes({}, { cwd, options, nextRelease }),
      '- [How](https://github.com/o/r/blob/v1.2.3/docs/a.md#b), [where](https://example.org/), [up](#top).',
    )
    await prepare({}, { cwd, options, nextRelease })
    const today = new Date().toISOString().slice(0, 10)
    const file = readFileSync(join(cwd, 'CHANGELOG.md'), 'utf8')
    assert.equal(file, `## [Unreleased]\n\n## [1.2.3] - ${today}\n\n${text}\n`)
  })
})
