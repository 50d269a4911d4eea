// A plugin of semantic-release: what people wrote under "Unreleased" in CHANGELOG.md becomes the
// section of the version and opens its notes. Runs in the process of `make release`.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What semantic-release hands to its plugins, as far as it is used here. */
export interface ReleaseContext {
  readonly cwd: string
  readonly commits?: readonly { readonly subject: string }[]
  readonly nextRelease?: { readonly version: string; readonly gitTag: string }
  readonly options: { readonly repositoryUrl: string }
}

const FILE = 'CHANGELOG.md'
const HEADING = '## [Unreleased]'

/** Types of commits that make a release, and where Keep a Changelog puts them. */
const SECTIONS = { feat: 'Added', perf: 'Changed', fix: 'Fixed', revert: 'Removed' } as const

/** Refuses a changelog without its one heading before anything is tagged. */
export async function verifyConditions(_options: unknown, { cwd }: ReleaseContext): Promise<void> {
  unreleased(await readFile(join(cwd, FILE), 'utf8'))
}

export async function generateNotes(_options: unknown, context: ReleaseContext): Promise<string> {
  const { cwd, options, nextRelease } = context
  const text = unreleased(await readFile(join(cwd, FILE), 'utf8')).text
  // A release's page stands elsewhere than this file: links to files would lead nowhere.
  const base = `${options.repositoryUrl.replace(/\.git$/, '')}/blob/${nextRelease?.gitTag}/`
  return text.replace(/\]\((?![a-z]+:|#)/g, `](${base}`)
}

export async function prepare(_options: unknown, context: ReleaseContext): Promise<void> {
  const path = join(context.cwd, FILE)
  const version = context.nextRelease?.version as string
  const subjects = (context.commits ?? []).map(({ subject }) => subject)
  const day = new Date().toISOString().slice(0, 10)
  await writeFile(path, released(await readFile(path, 'utf8'), version, day, subjects))
}

/** The changelog once `version` is out. Where nobody wrote anything, the commits have to do. */
export function released(
  changelog: string,
  version: string,
  day: string,
  subjects: readonly string[],
): string {
  const { before, text, after } = unreleased(changelog)
  const parts = [before + HEADING, `## [${version}] - ${day}`, text || fromCommits(subjects), after]
  return `${parts.filter(Boolean).join('\n\n').trimEnd()}\n`
}

function unreleased(changelog: string): { before: string; text: string; after: string } {
  const [before, rest, more] = `\n${changelog}`.split(`\n${HEADING}\n`)
  if (before === undefined || rest === undefined || more !== undefined) {
    throw new Error(`${FILE} must have the line "${HEADING}" exactly once`)
  }
  const next = `\n${rest}`.search(/\n## /)
  const end = next === -1 ? rest.length : next
  return { before: `${before}\n`.slice(1), text: rest.slice(0, end).trim(), after: rest.slice(end) }
}

function fromCommits(subjects: readonly string[]): string {
  const sections = Object.entries(SECTIONS).map(([type, section]) => {
    const pattern = new RegExp(`^${type}(?:\\(([^)]+)\\))?!?: (.+)$`)
    const lines = subjects.flatMap((subject) => {
      const [, scope, summary] = pattern.exec(subject) ?? []
      return summary ? [`- ${scope ? `${scope}: ` : ''}${summary}`] : []
    })
    return lines.length > 0 ? `### ${section}\n\n${lines.join('\n')}` : ''
  })
  return sections.filter(Boolean).join('\n\n')
}
