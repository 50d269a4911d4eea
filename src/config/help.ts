// The table of options as text: for --help, and for docs/options.md, which a test holds against it.
import { type Config, envOf, flagOf, type OptionName, options } from './option.ts'
import { boundOf } from './parse.ts'
import { presets } from './preset.ts'
import type { OptionSpec } from './spec.ts'

const names = Object.keys(options) as OptionName[]

function defaultOf(spec: OptionSpec): string {
  if ('defaultDoc' in spec && spec.defaultDoc !== undefined) return spec.defaultDoc
  if (spec.kind === 'records') return 'none'
  return spec.kind === 'list' ? spec.default.join(', ') : String(spec.default)
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

/** The text of `carillon --help`, at most 80 columns wide. */
export function helpText(): string {
  const rows = names.map((name) => {
    const spec: OptionSpec = options[name]
    const about = `${spec.doc} Default: ${defaultOf(spec)}. Must be ${boundOf(spec)}.`
    return `  ${flagOf(name)}  (${envOf(name)})\n${wrap(about, 72, '      ')}`
  })
  return `carillon: a Server-Sent Events dispatcher

Usage: carillon [options]

  carillon                                 POST /api/events → GET /events
  carillon --port 9000 --threads 2         another port, two shards
  carillon --config /etc/carillon.jsonc    options from a file

Options, as a flag, an environment variable, or a name in the file
(precedence in that order; lists are comma-separated, none is an empty list):

  --config FILE  (CARILLON_CONFIG)
      JSON object of options by name: { "lagBytesMax": 1048576 }
  --help, --version

${rows.join('\n')}
`
}

/** The whole of docs/options.md. */
export function optionPage(): string {
  const rows = names.map((name) => {
    const spec: OptionSpec = options[name]
    const cells = [
      `\`${name}\``,
      `\`${flagOf(name)}\``,
      `\`${envOf(name)}\``,
      'defaultDoc' in spec ? defaultOf(spec) : `\`${defaultOf(spec)}\``,
      boundOf(spec),
      spec.doc,
    ]
    return `| ${cells.join(' | ')} |`
  })
  const preset = Object.entries(presets).flatMap(([name, of]) => {
    const always = of({})
    const inPublic = Object.entries(of({ NODE_ENV: 'production' })).filter(
      ([key]) => !(key in always),
    )
    const rows = [`| \`${name}\` | ${changesOf(always)} |`]
    if (inPublic.length > 0) {
      const where = 'where `NODE_ENV` or `GO_ENV` is `staging` or `production`'
      rows.push(`| \`${name}\`, ${where} | ${changesOf(Object.fromEntries(inPublic))} |`)
    }
    return rows
  })
  return [
    '# Options',
    '',
    'Made from the table in `src/config/option.ts` by `npm run docs`; do not edit.',
    '',
    'Precedence: flag, environment variable, `--config` file (JSON with comments), preset, default.',
    'Lists are comma-separated in flags and variables; `none` is an empty list.',
    '',
    '| name | flag | environment | default | must be | meaning |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
    '| preset | changes the default of |',
    '| --- | --- |',
    ...preset,
    '',
  ].join('\n')
}

function changesOf(values: Partial<Config>): string {
  const changes = Object.entries(values).map(([name, value]) => {
    return `\`${name}\` \`${typeof value === 'object' ? JSON.stringify(value) : value}\``
  })
  return changes.join(', ') || 'nothing'
}
