// A cut of a list, as a query asks for it: which rows, in which order, how many. And the best rows of
// many, without sorting them all. Pure.
import type { Listing } from '../hub/inquiry.ts'

/** Rows in one answer: at most, and where the query does not say. */
export const LISTING_ROWS_MAX = 500
const LISTING_ROWS = 50
/** Longest text that is looked for, in characters. */
export const LISTING_TEXT_LENGTH_MAX = 256
/** Past any list that there can be; it keeps offset + limit a small integer. */
export const LISTING_OFFSET_MAX = 100_000_000

/** How a list may be sorted. */
export interface ListingSpec<S extends string> {
  /** The first is the default. */
  readonly sorts: readonly [S, ...S[]]
  readonly order: 'asc' | 'desc'
}

const PARAMETERS = ['q', 'sort', 'order', 'offset', 'limit']

/** @returns what is asked for; or, as a string, why that cannot be told */
export function parseListing<S extends string>(
  query: string,
  { sorts, order }: ListingSpec<S>,
): Listing<S> | string {
  const given = new URLSearchParams(query)
  for (const name of given.keys()) {
    if (!PARAMETERS.includes(name)) return `no parameter ${PARAMETERS.join(', ')}: ${name}`
    if (given.getAll(name).length > 1) return `${name} is given more than once`
  }
  const text = given.get('q') ?? ''
  if (text.length > LISTING_TEXT_LENGTH_MAX)
    return `q has more than ${LISTING_TEXT_LENGTH_MAX} characters`
  const sort = (given.get('sort') ?? sorts[0]) as S
  if (!sorts.includes(sort)) return `sort is one of ${sorts.join(', ')}`
  const direction = given.get('order') ?? order
  if (direction !== 'asc' && direction !== 'desc') return 'order is asc or desc'
  const offset = integer(given.get('offset') ?? '0', 0, LISTING_OFFSET_MAX)
  if (offset === undefined) return `offset is an integer from 0 to ${LISTING_OFFSET_MAX}`
  const limit = integer(given.get('limit') ?? String(LISTING_ROWS), 1, LISTING_ROWS_MAX)
  if (limit === undefined) return `limit is an integer from 1 to ${LISTING_ROWS_MAX}`
  return { text: text.toLowerCase(), sort, isDescending: direction === 'desc', offset, limit }
}

function integer(text: string, min: number, max: number): number | undefined {
  if (!/^\d{1,9}$/.test(text)) return undefined
  const value = Number(text)
  return value >= min && value <= max ? value : undefined
}

type Order<T> = (one: T, other: T) => number

/** By what the listing sorts by; what is equal there by `tie`. */
export function orderOf<T>(
  key: (row: T) => number | string,
  isDescending: boolean,
  tie: Order<T>,
): Order<T> {
  const sign = isDescending ? -1 : 1
  return (one, other) => {
    const [a, b] = [key(one), key(other)]
    if (a === b) return tie(one, other)
    return a < b ? -sign : sign
  }
}

/**
 * The first rows of many in an order. Most rows of a long list come after the last that is kept, and
 * cost one comparison; a sort of at most twice those that are wanted comes now and then.
 */
export class First<T> {
  readonly #rows: T[] = []
  readonly #wanted: number
  readonly #order: Order<T>
  /** No row after this one is wanted. */
  #last: T | undefined

  constructor(wanted: number, order: Order<T>) {
    this.#wanted = wanted
    this.#order = order
  }

  add(row: T): void {
    if (this.#last !== undefined && this.#order(row, this.#last) >= 0) return
    this.#rows.push(row)
    if (this.#rows.length < 2 * this.#wanted) return
    this.#cut()
    this.#last = this.#rows.at(-1)
  }

  /** In order. */
  get rows(): readonly T[] {
    this.#cut()
    return this.#rows
  }

  #cut(): void {
    this.#rows.sort(this.#order).splice(this.#wanted)
  }
}
