// From the command line and environment of `carillon publish` and `carillon tail` to what they are
// to do. Main thread, once, at start. Precedence: flag, environment, default.
import { CarillonError } from '../error.ts'
import {
  isStreamUrl,
  type PublishOptions,
  publishOptions,
  type TailOptions,
  tailOptions,
} from './client-option.ts'
import { flagOf, readFlags } from './flag.ts'
import { redactUrl } from './redis-url.ts'
import type { OptionSpec } from './spec.ts'
import { readTokenFile } from './token-file.ts'
import { badValue, checkText } from './value.ts'

export interface PublishOrder {
  readonly topic: string
  /** Undefined where it comes from standard input. */
  readonly data: string | undefined
  readonly options: PublishOptions
  readonly token: string | undefined
}

export interface TailOrder {
  /** A URL, whole as it was given; or a topic. */
  readonly target: URL | string
  readonly options: TailOptions
  readonly token: string | undefined
}

type Table = Readonly<Record<string, OptionSpec>>
type Values = Partial<Record<string, unknown>>

const help = { kind: 'switch', default: false, doc: '' } as const

/** @returns 'help' where that is asked for @throws CarillonError */
export function readPublish(
  argv: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): PublishOrder | 'help' {
  const read = readOptions<PublishOptions>('publish', publishOptions, argv, env)
  if (read === 'help') return read
  const { options, token, operands, flags } = read
  const [topic, data, ...rest] = operands
  if (topic === undefined) throw usage('publish', 'needs a topic')
  if (rest.length > 0) throw usage('publish', `takes one text as data, and got ${rest[0]} too`)
  const ofOne = ['event', 'id', 'retry'].find((name) => flags[name] !== undefined)
  if (options.ndjson && ofOne !== undefined) {
    const why = 'each line of a batch has its own'
    throw new CarillonError('bad_value', `${flagOf(ofOne)} cannot be with --ndjson: ${why}`)
  }
  return { topic: topicOf(topic), data: data === '-' ? undefined : data, options, token }
}

/** @returns 'help' where that is asked for @throws CarillonError */
export function readTail(
  argv: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): TailOrder | 'help' {
  const read = readOptions<TailOptions>('tail', tailOptions, argv, env)
  if (read === 'help') return read
  const { options, token, operands } = read
  const [target, more] = operands
  if (target === undefined) throw usage('tail', 'needs a topic, / for all, or a URL')
  if (more !== undefined) throw usage('tail', `takes one stream, and got ${more} too`)
  if (/^[\w.-]+:\d+(\/|$)/.test(target)) {
    const topic = `a topic of that name is /${target}`
    throw new CarillonError('bad_value', `tail: ${target} may be a URL without http://; ${topic}`)
  }
  if (!/^[a-z][a-z+.-]*:\/\//i.test(target)) return { target: topicOf(target), options, token }
  if (!isStreamUrl(target)) {
    throw badValue(
      'tail',
      redactUrl(target),
      'a topic, or an http or https URL without credentials',
    )
  }
  return { target: new URL(target), options, token }
}

function usage(name: string, what: string): CarillonError {
  return new CarillonError('bad_value', `${name} ${what}; carillon ${name} --help has examples`)
}

/** An empty text is likely a variable that is not set, and would be every topic. */
function topicOf(text: string): string {
  if (text !== '') return text
  throw new CarillonError('bad_value', 'the topic is empty; / is the topic above all')
}

interface Read<Options> {
  readonly options: Options
  readonly token: string | undefined
  readonly operands: readonly string[]
  /** Those that stand on the command line. */
  readonly flags: Values
}

function readOptions<Options>(
  command: string,
  table: Table,
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
): Read<Options> | 'help' {
  const { values: flags, operands } = ((): ReturnType<typeof readFlags<string>> => {
    try {
      return readFlags<string>({ ...table, help }, { h: 'help' }, argv)
    } catch (error) {
      if (!(error instanceof CarillonError) || error.code !== 'unknown_option') throw error
      // Data such as -5 is taken for a flag.
      const hint = command === 'publish' ? '; -- goes before data that begins with -' : ''
      throw new CarillonError(error.code, error.message + hint)
    }
  })()
  if (flags['help'] === true) return 'help'
  const variables: Values = {}
  for (const [name, { env: variable }] of Object.entries(table)) {
    const text = variable === undefined ? '' : (env[variable] ?? '')
    if (text !== '') variables[name] = checkText(table[name] as OptionSpec, text, `${variable}`)
  }
  const options: Values = {}
  for (const [name, spec] of Object.entries(table)) {
    options[name] = flags[name] ?? variables[name] ?? spec.default
  }
  if (flags['url'] === undefined && variables['url'] === undefined) options['url'] = localUrl(env)
  const token = tokenOf(flags, '--token-file') ?? tokenOf(variables, `${table['tokenFile']?.env}`)
  return { options: Object.freeze(options) as Options, token, operands, flags }
}

/** The server of this machine, where PORT says, as it itself reads it. */
function localUrl(env: NodeJS.ProcessEnv): string {
  const port = env['PORT'] || '8080'
  if (/^\d{1,5}$/.test(port) && Number(port) > 0 && Number(port) <= 65_535) {
    return `http://127.0.0.1:${Number(port)}`
  }
  throw badValue(
    'PORT',
    port,
    'a whole number from 1 to 65535, or --url must say where the server is',
  )
}

/** The variables may have several tokens or files, as they may for the server: the first is used. */
function tokenOf({ token, tokenFile }: Values, fileLabel: string): string | undefined {
  if (typeof token === 'string') return token.split(',')[0]?.trim()
  if (typeof tokenFile !== 'string') return undefined
  return readTokenFile(tokenFile.split(',')[0]?.trim() ?? '', fileLabel)[0]
}
