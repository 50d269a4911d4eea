// Holds a value against its row in a table of options: what it must be, and what is said where it is
// not. Pure; it knows the kinds of options, and no table.
import { CarillonError } from '../error.ts'
import type { OptionSpec } from './spec.ts'

/** Checks a value that came as text: a flag's or a variable's. @throws CarillonError */
export function checkText(spec: OptionSpec, text: string, label: string): unknown {
  if (spec.kind === 'integer') {
    return checkValue(spec, /^\d+$/.test(text) ? Number(text) : text, label)
  }
  if (spec.kind === 'switch') {
    return checkValue(spec, text === 'true' ? true : text === 'false' ? false : text, label)
  }
  if (spec.kind === 'list') {
    const items = text.split(',').map((item) => item.trim())
    return checkValue(spec, text === 'none' ? [] : items, label)
  }
  if (spec.kind === 'records') return checkValue(spec, recordsOf(text), label)
  return checkValue(spec, text, label)
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

/** Checks a typed value, as a file or a program gives it. @throws CarillonError */
export function checkValue(spec: OptionSpec, value: unknown, label: string): unknown {
  const fits = ((): boolean => {
    switch (spec.kind) {
      case 'integer':
        return Number.isSafeInteger(value) && inBounds(value as number, spec.min, spec.max)
      case 'switch':
        return typeof value === 'boolean'
      case 'choice':
        return typeof value === 'string' && spec.choices.includes(value)
      case 'text':
        if (value === '') return spec.isOptional === true
        return typeof value === 'string' && (spec.check?.(value) ?? true)
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
  throw badValue(label, shownOf(spec, value), boundOf(spec), why)
}

/** What an error may show of a value. */
function shownOf(spec: OptionSpec, value: unknown): unknown {
  if (spec.kind === 'list' && spec.isSecret) return '***'
  const isRedacted = spec.kind === 'text' && spec.redact !== undefined && typeof value === 'string'
  return isRedacted ? spec.redact(value) : value
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

/** The error of a value that cannot be used. */
export function badValue(
  label: string,
  value: unknown,
  bound: string,
  why?: string,
): CarillonError {
  const shown = typeof value === 'string' ? value : JSON.stringify(value)
  const reason = why === undefined ? '' : ` (${why})`
  const must = `it must be ${bound}`
  return new CarillonError('bad_value', `${label}: ${shown} cannot be used${reason}: ${must}`)
}
