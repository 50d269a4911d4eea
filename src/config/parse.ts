// From command line, environment and config file to one frozen Config. Main thread, once, at start.
// Precedence: flag, environment, file, preset, default. Nothing is ignored in silence.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { type ParseError, parse as parseJsonc, printParseErrorCode } from 'jsonc-parser'
import { CarillonError } from '../error.ts'
import { type Config, envOf, flagOf, type OptionName, options } from './option.ts'
import { presets } from './preset.ts'
import type { OptionSpec } from './spec.ts'

/** What the command line asks for. */
export type Command =
  | { readonly run: 'serve'; readonly config: Config }
  | { readonly run: 'help' }
  | { readonly run: 'version' }

type Values = Partial<Record<OptionName, unknown>>

const names = Object.keys(options) as OptionName[]

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
  const flags = readFlags(argv)
  if (flags.help) return { run: 'help' }
  if (flags.version) return { run: 'version' }
  const file = flags.config ?? (env['CARILLON_CONFIG'] || undefined)
  const layers = [readEnv(env), file === undefined ? {} : readFile(file)]
  return { run: 'serve', config: resolve([flags.values, ...layers], env) }
}

/** A Config from values a program gives, as the library's `carillon()` takes them. */
export function resolveConfig(values: Partial<Config>, env: NodeJS.ProcessEnv = {}): Config {
  for (const name of Object.keys(values)) {
    if (!isOptionName(name)) throw unknown(name)
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

interface Flags {
  readonly help: boolean
  readonly version: boolean
  readonly config: string | undefined
  readonly values: Values
}

function readFlags(argv: readonly string[]): Flags {
  const byFlag = new Map(names.map((name) => [flagOf(name).slice(2), name]))
  const { tokens } = parseArgs({
    args: [...argv],
    strict: false,
    tokens: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean', short: 'v' },
      config: { type: 'string' },
      ...Object.fromEntries(
        [...byFlag].map(([flag, name]) => [
          flag,
          { type: options[name].kind === 'switch' ? ('boolean' as const) : ('string' as const) },
        ]),
      ),
    },
  })
  const values: Values = {}
  let help = false
  let version = false
  let config: string | undefined
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue
    if (token.kind === 'positional') throw unknown(token.value)
    const { name: flag, rawName, value } = token
    if (flag === 'help') help = true
    else if (flag === 'version') version = true
    else if (flag === 'config') config = needValue(rawName, value)
    else if (flag.startsWith('no-') && isSwitch(byFlag.get(flag.slice(3)))) {
      if (value !== undefined) throw bad(rawName, value, 'no value')
      values[byFlag.get(flag.slice(3)) as OptionName] = false
    } else {
      const name = byFlag.get(flag)
      if (name === undefined) throw unknown(rawName)
      const given = isSwitch(name) ? (value ?? 'true') : needValue(rawName, value)
      values[name] = checkText(name, given, rawName)
    }
  }
  return { help, version, config, values }
}

function isSwitch(name: OptionName | undefined): boolean {
  return name !== undefined && options[name].kind === 'switch'
}

function needValue(flag: string, value: string | undefined): string {
  // `--port --threads 2`: parseArgs takes the next flag for the value.
  if (value === undefined || value.startsWith('--')) {
    throw new CarillonError('bad_value', `${flag} needs a value`)
  }
  return value
}

function readEnv(env: NodeJS.ProcessEnv): Values {
  const values: Values = {}
  for (const name of names) {
    const text = env[envOf(name)]
    if (text !== undefined && text !== '') values[name] = checkText(name, text, envOf(name))
  }
  return values
}

function readFile(path: string): Values {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
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
    if (!isOptionName(name)) throw unknown(`${path}: ${name}`)
  }
  return checkAll(root, (name) => `${path}: ${name}`)
}

/** Checks typed values, as a file or a program gives them. */
function checkAll(given: object, label: (name: string) => string): Values {
  const values: Values = {}
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || !isOptionName(name)) continue
    values[name] = checkValue(name, value, label(name))
  }
  return values
}

/** Checks a value that came as text: a flag's or a variable's. */
function checkText(name: OptionName, text: string, label: string): unknown {
  const spec: OptionSpec = options[name]
  if (spec.kind === 'integer') {
    return checkValue(name, /^\d+$/.test(text) ? Number(text) : text, label)
  }
  if (spec.kind === 'switch') {
    return checkValue(name, text === 'true' ? true : text === 'false' ? false : text, label)
  }
  if (spec.kind === 'list') {
    const items = text.split(',').map((item) => item.trim())
    return checkValue(name, text === 'none' ? [] : items, label)
  }
  if (spec.kind === 'records') return checkValue(name, recordsOf(text), label)
  return checkValue(name, text, label)
}

/** The text itself where it is no JSON: the check that follows shows it. */
function recordsOf(text: string): unknown {
  if (text === 'none') return []
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function checkValue(name: OptionName, value: unknown, label: string): unknown {
  const spec: OptionSpec = options[name]
  const fits = ((): boolean => {
    switch (spec.kind) {
      case 'integer':
        return Number.isSafeInteger(value) && inBounds(value as number, spec.min, spec.max)
      case 'switch':
        return typeof value === 'boolean'
      case 'choice':
        return typeof value === 'string' && spec.choices.includes(value)
      case 'text':
        return typeof value === 'string' && value !== '' && (spec.check?.(value) ?? true)
      case 'list':
        return (
          Array.isArray(value) &&
          value.every((item) => typeof item === 'string' && spec.check(item))
        )
      case 'records':
        return faultOfRecords(value, spec.check) === undefined
    }
  })()
  if (fits) return value
  const why = spec.kind === 'records' ? faultOfRecords(value, spec.check) : undefined
  const isRedacted = spec.kind === 'text' && spec.redact !== undefined && typeof value === 'string'
  throw bad(label, isRedacted ? spec.redact(value) : value, boundOf(spec), why)
}

function faultOfRecords(
  items: unknown,
  check: (item: unknown) => string | undefined,
): string | undefined {
  if (!Array.isArray(items)) return 'it is no list'
  for (const [index, item] of items.entries()) {
    const fault = check(item)
    if (fault !== undefined) return `item ${index + 1}: ${fault}`
  }
  return undefined
}

function inBounds(value: number, min: number, max: number): boolean {
  return value >= min && value <= max
}

/** What a value must be, in words: for errors, --help and the docs. */
export function boundOf(spec: OptionSpec): string {
  switch (spec.kind) {
    case 'integer':
      return `a whole number from ${spec.min} to ${spec.max}`
    case 'switch':
      return 'true or false'
    case 'choice':
      return `one of ${spec.choices.join(', ')}`
    case 'text':
      return spec.textDoc ?? 'a text that is not empty'
    case 'list':
      return `a list, each ${spec.itemDoc}, or none`
    case 'records':
      return `a JSON list, each ${spec.itemDoc}, or none`
  }
}

function unknown(what: string): CarillonError {
  return new CarillonError('unknown_option', `unknown option ${what}; --help lists them all`)
}

function bad(label: string, value: unknown, bound: string, why?: string): CarillonError {
  const shown = typeof value === 'string' ? value : JSON.stringify(value)
  const reason = why === undefined ? '' : ` (${why})`
  const must = `it must be ${bound}`
  return new CarillonError('bad_value', `${label}: ${shown} cannot be used${reason}: ${must}`)
}
