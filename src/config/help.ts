// The table of options as text: for --help, and for docs/options.md, which a test holds against it.
import { clientPage } from './client-help.ts'
import { flagOf } from './flag.ts'
import { defaultOf, rowOf } from './help-row.ts'
import { type Config, envOf, type OptionName, options } from './option.ts'
import { presets } from './preset.ts'
import type { OptionSpec } from './spec.ts'
import { boundOf } from './value.ts'

const names = Object.keys(options) as OptionName[]

/** The text of `carillon --help`, at most 80 columns wide. */
export function helpText(): string {
  const rows = names.map((name) => rowOf(name, options[name], envOf(name)))
  return `carillon: a Server-Sent Events dispatcher

Usage: carillon [serve] [options]
       carillon publish [options] TOPIC [DATA|-]
       carillon tail [options] TOPIC|URL

  carillon                                 POST /api/events → GET /events
  carillon serve --port 9000 --threads 2   another port, two shards
  carillon --config /etc/carillon.jsonc    options from a file
  carillon publish pets/dogs woof          an event to the server here
  carillon tail pets                       the events of pets and below

carillon help publish and carillon help tail have more of these two.

Options of serve, as a flag, an environment variable, or a name in the file
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
    'Made from the tables in `src/config/` by `npm run docs`; do not edit. These are the options of',
    '`carillon serve`; those of `carillon publish` and `carillon tail` follow.',
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
    ...clientPage(),
  ].join('\n')
}

function changesOf(values: Partial<Config>): string {
  const changes = Object.entries(values).map(([name, value]) => {
    return `\`${name}\` \`${typeof value === 'object' ? JSON.stringify(value) : value}\``
  })
  return changes.join(', ') || 'nothing'
}
