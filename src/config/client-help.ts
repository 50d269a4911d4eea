// The help of `carillon publish` and `carillon tail`, and their part of docs/options.md, from their
// tables of options.
import { publishOptions, tailOptions } from './client-option.ts'
import { flagOf } from './flag.ts'
import { defaultOf, rowOf } from './help-row.ts'
import type { OptionSpec } from './spec.ts'
import { boundOf } from './value.ts'

const PUBLISH = `carillon publish: an event, or a batch of them, to a server

Usage: carillon publish [options] TOPIC [DATA|-]

  carillon publish pets/dogs woof
  carillon publish pets/dogs '{"says":"woof"}' --event bark --id 7
  date | carillon publish clock               the data from standard input
  carillon publish --ndjson pets < batch      each line: {"topic"?, "data", …}
  carillon publish --url https://example.org/sse --token-file t pets/dogs woof

Without DATA, or with -, the data is standard input, up to 16 MiB, less one line
end at its end. It says how many events the server accepted.

Exit codes: 0 accepted, 1 not, or not known (the message says which), 2 for a
command line that cannot be used.
`

const TAIL = `carillon tail: the events of a stream as they come

Usage: carillon tail [options] TOPIC|URL

  carillon tail pets                          a topic and all below it
  carillon tail /                             everything
  carillon tail https://example.org/events    any stream of Server-Sent Events
  carillon tail --json pets | jq .data        a JSON object for each event
  carillon tail --count 1 deploys             waits for one event
  carillon tail --sent-at /timestamp events   with the lag of each event

Events go to standard output, with colours on a terminal; notes, such as that
the stream was lost or that events were skipped, to standard error. After a loss
it comes back by itself, with Last-Event-ID, when the stream said.

Exit codes: 0 after --count events, when who reads the output is gone, or when
the server says that there is no more (204); 1 for a failure; 2 for a command
line that cannot be used; 130 after SIGINT, 143 after SIGTERM.
`

type Table = Readonly<Record<string, OptionSpec>>

/** The text of `carillon publish --help` or `carillon tail --help`, at most 80 columns wide. */
export function clientHelp(name: 'publish' | 'tail'): string {
  const [text, table]: [string, Table] =
    name === 'publish' ? [PUBLISH, publishOptions] : [TAIL, tailOptions]
  const rows = Object.entries(table).map(([option, spec]) => rowOf(option, spec, spec.env))
  return `${text}\nOptions:\n\n${rows.join('\n')}\n`
}

/** The rows of docs/options.md on the two commands. */
export function clientPage(): string[] {
  const tables: Readonly<Record<string, Table>> = { publish: publishOptions, tail: tailOptions }
  return Object.entries(tables).flatMap(([name, table]) => [
    `## carillon ${name}`,
    '',
    '| flag | environment | default | must be | meaning |',
    '| --- | --- | --- | --- | --- |',
    ...Object.entries(table).map(([option, spec]) => {
      const variable = spec.env === undefined ? '' : `\`${spec.env}\``
      const cells = [`\`${flagOf(option)}\``, variable, defaultOf(spec), boundOf(spec), spec.doc]
      return `| ${cells.join(' | ')} |`
    }),
    '',
  ])
}
