// Which command the first word of the command line names. Main thread, once, at start. It loads
// nothing: a command must not wait for what only another one needs.
import { CarillonError } from '../error.ts'

/** What `carillon` can be told to do. */
const names = ['serve', 'publish', 'tail'] as const

type CommandName = (typeof names)[number]

export interface CommandLine {
  readonly name: CommandName
  /** What follows the command's name. */
  readonly argv: readonly string[]
}

/**
 * Without a name it is `serve`; `help NAME` is `NAME --help`.
 * @throws CarillonError for another name
 */
export function readCommandLine(argv: readonly string[] = process.argv.slice(2)): CommandLine {
  const [word, ...rest] = argv
  if (word === undefined || word.startsWith('-')) return { name: 'serve', argv }
  if (word === 'help') return { name: nameOf(rest[0] ?? 'serve'), argv: ['--help'] }
  return { name: nameOf(word), argv: rest }
}

function nameOf(word: string): CommandName {
  const name = names.find((known) => known === word)
  if (name !== undefined) return name
  const known = `there are ${names.join(', ')} and help`
  throw new CarillonError('unknown_option', `unknown command ${word}; ${known}`)
}
