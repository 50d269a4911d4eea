// From command line, environment and config file to one frozen Config. Main thread, once, at start.
// Precedence: flag, environment, file, preset, default. Nothing is ignored in silence.
import { readFileSync } from 'node:fs'
import { type ParseError, parse as parseJsonc, printParseErrorCode } from 'jsonc-parser'
import { CarillonError, messageOf } from '../error.ts'
import { readFlags, unknownOption } from './flag.ts'
import { type Config, envOf, type OptionName, options } from './option.ts'
import { presets } from './preset.ts'
import type { OptionSpec } from './spec.ts'
import { checkText, checkValue } from './value.ts'

/** What the command line asks for. */
export type Command =
  | { readonly run: 'serve'; readonly config: Config }
  | { readonly run: 'help' }
  | { readonly run: 'version' }

type Values = Partial<Record<OptionName, unknown>>

const names = Object.keys(options) as OptionName[]

/** With the flags that are no options. */
const flagTable = {
  ...options,
  help: { kind: 'switch', default: false, doc: '' },
  version: { kind: 'switch', default: false, doc: '' },
  config: { kind: 'text', default: '', doc: '' },
} as const satisfies Record<string, OptionSpec>

type FlagName = keyof typeof flagTable

function isOptionName(name: string): name is OptionName {
  return Object.hasOwn(options, name)
}

/**
 * Reads the process's command line and environment, or those that are given.
 * @throws CarillonError that names option, value and bound
 */
export function parseCommand(
  argv: readonly string[] = process.argv.slice(2),
  env: NodeJS.ProcessEnv = process.env,
): Command {
  const { values, operands } = readFlags<FlagName>(flagTable, { h: 'help', v: 'version' }, argv)
  const [operand] = operands
  if (operand !== undefined) throw unknownOption(operand)
  const { help, version, config, ...flags } = values
  if (help === true) return { run: 'help' }
  if (version === true) return { run: 'version' }
  const file = (config as string | undefined) ?? (env['CARILLON_CONFIG'] || undefined)
  const layers = [readEnv(env), file === undefined ? {} : readFile(file)]
  return { run: 'serve', config: resolve([flags, ...layers], env) }
}

/** A Config from values a program gives, as the library's `carillon()` takes them. */
export function resolveConfig(values: Partial<Config>, env: NodeJS.ProcessEnv = {}): Config {
  for (const name of Object.keys(values)) {
    if (!isOptionName(name)) throw unknownOption(name)
  }
  return resolve([checkAll(values, (name) => name)], env)
}

function resolve(layers: readonly Values[], env: NodeJS.ProcessEnv): Config {
  const chosen: Values = {}
  for (const layer of layers.toReversed()) Object.assign(chosen, layer)
  const preset = presets[(chosen.preset ?? options.preset.default) as Config['preset']](env)
  const config: Values = {}
  for (const name of names) {
    const spec: OptionSpec = options[name]
    const fallback = typeof spec.default === 'function' ? spec.default(env) : spec.default
    const value = chosen[name] ?? preset[name] ?? fallback
    config[name] = Array.isArray(value) ? frozenCopy(value) : value
  }
  return Object.freeze(config) as Config
}

/** A list, or its objects, that the caller goes on changing must not change what was checked. */
function frozenCopy(list: readonly unknown[]): readonly unknown[] {
  return Object.freeze(
    list.map((item) => (typeof item === 'object' ? Object.freeze({ ...item }) : item)),
  )
}

function readEnv(env: NodeJS.ProcessEnv): Values {
  const values: Values = {}
  for (const name of names) {
    const text = env[envOf(name)]
    if (text !== undefined && text !== '')
      values[name] = checkText(options[name], text, envOf(name))
  }
  return values
}

function readFile(path: string): Values {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    const why = messageOf(cause)
    throw new CarillonError('bad_config_file', `--config ${path}: ${why}`, { cause })
  }
  const errors: ParseError[] = []
  const root: unknown = parseJsonc(text, errors, { allowTrailingComma: true })
  const [first] = errors
  if (first !== undefined) {
    const line = text.slice(0, first.offset).split('\n').length
    const what = printParseErrorCode(first.error)
    throw new CarillonError('bad_config_file', `--config ${path}: line ${line}: ${what}`)
  }
  if (typeof root !== 'object' || root === null || Array.isArray(root)) {
    throw new CarillonError('bad_config_file', `--config ${path}: must hold one JSON object`)
  }
  for (const name of Object.keys(root)) {
    if (!isOptionName(name)) throw unknownOption(`${path}: ${name}`)
  }
  return checkAll(root, (name) => `${path}: ${name}`)
}

/** Checks typed values, as a file or a program gives them. */
function checkAll(given: object, label: (name: string) => string): Values {
  const values: Values = {}
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || !isOptionName(name)) continue
    values[name] = checkValue(options[name], value, label(name))
  }
  return values
}
