// One option of any table as text of at most 80 columns, for --help.
import { flagOf } from './flag.ts'
import type { OptionSpec } from './spec.ts'
import { boundOf } from './value.ts'

/** What the docs say of an option's default. */
export function defaultOf(spec: OptionSpec): string {
  if ('defaultDoc' in spec && spec.defaultDoc !== undefined) return spec.defaultDoc
  if (spec.kind === 'records') return 'none'
  return spec.kind === 'list' ? spec.default.join(', ') : String(spec.default)
}

/** @param env the variable it can also stand in, if there is one */
export function rowOf(name: string, spec: OptionSpec, env: string | undefined): string {
  const about = `${spec.doc} Default: ${defaultOf(spec)}. Must be ${boundOf(spec)}.`
  const variable = env === undefined ? '' : `  (${env})`
  return `  ${flagOf(name)}${variable}\n${wrap(about, 72, '      ')}`
}

function wrap(text: string, width: number, indent: string): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line].map((row) => indent + row).join('\n')
}
