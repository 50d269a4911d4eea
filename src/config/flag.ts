// Reads a command line by a table of options. Main thread, once, at start; it knows no table.
import { parseArgs } from 'node:util'
import { CarillonError } from '../error.ts'
import type { OptionSpec } from './spec.ts'
import { badValue, checkText } from './value.ts'

/** What a command line holds. */
export interface Flags<Name extends string> {
  /** The values of the flags that it has, checked. */
  readonly values: Partial<Record<Name, unknown>>
  /** What is no flag, in order. */
  readonly operands: readonly string[]
}

/** `lagBytesMax` → `--lag-bytes-max`. */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

/**
 * @param table also of the flags that are no options, such as --help
 * @param shorts the names of flags that have a short form, by its letter
 * @throws CarillonError for a flag that is not in the table, or whose value cannot be used
 */
export function readFlags<Name extends string>(
  table: Readonly<Record<Name, OptionSpec>>,
  shorts: Readonly<Record<string, Name>>,
  argv: readonly string[],
): Flags<Name> {
  const names = Object.keys(table) as Name[]
  const byFlag = new Map(names.map((name) => [flagOf(name).slice(2), name]))
  const isSwitch = (name: Name | undefined): name is Name => {
    return name !== undefined && table[name].kind === 'switch'
  }
  const letters = new Map(Object.entries(shorts).map(([letter, name]) => [name, letter]))
  const parsed = [...byFlag].map(([flag, name]) => {
    const type = isSwitch(name) ? ('boolean' as const) : ('string' as const)
    const short = letters.get(name)
    return [flag, short === undefined ? { type } : { type, short }] as const
  })
  const { tokens } = parseArgs({
    args: [...argv],
    strict: false,
    tokens: true,
    options: Object.fromEntries(parsed),
  })
  const values: Partial<Record<Name, unknown>> = {}
  const operands: string[] = []
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue
    if (token.kind === 'positional') {
      operands.push(token.value)
      continue
    }
    const { name: flag, rawName, value } = token
    const negated = flag.startsWith('no-') ? byFlag.get(flag.slice(3)) : undefined
    if (isSwitch(negated)) {
      if (value !== undefined) throw badValue(rawName, value, 'no value')
      values[negated] = false
    } else {
      const name = byFlag.get(flag)
      if (name === undefined) throw unknownOption(rawName)
      const given = isSwitch(name) ? (value ?? 'true') : needValue(rawName, value)
      values[name] = checkText(table[name], given, rawName)
    }
  }
  return { values, operands }
}

function needValue(flag: string, value: string | undefined): string {
  // `--port --threads 2`: parseArgs takes the next flag for the value.
  if (value === undefined || value.startsWith('--')) {
    throw new CarillonError('bad_value', `${flag} needs a value`)
  }
  return value
}

export function unknownOption(what: string): CarillonError {
  return new CarillonError('unknown_option', `unknown option ${what}; --help lists them all`)
}
