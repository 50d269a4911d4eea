// A table of a long list that the server filters, sorts and cuts: a filter, headers that sort, a pager,
// and figures that are read anew while somebody looks at them.
import { make, setText } from './element.ts'
import { count } from './figure.ts'
import { type Column, Rows } from './rows.ts'
import { ask, Refusal } from './server.ts'
import { whileSeen } from './view.ts'

/** From the last key until the server is asked. */
const TYPING_MS = 250
const PAGE_ROWS = 50

export interface ListColumn<Row> extends Column<Row> {
  /** Of the table's width, in percent; what is left is shared by those without one. */
  readonly width?: number
  /** What the server sorts by; without it, the column does not sort. */
  readonly sort?: string
  /** The order of the first click. */
  readonly isDescendingFirst?: boolean
  /** What is shown rises as what the server sorts by falls: an age, and when it began. */
  readonly isReversed?: boolean
}

export interface ListSpec<Row> {
  /** Of the document, and the field of its rows. */
  readonly path: string
  readonly field: string
  readonly title: string
  readonly filter: string
  readonly columns: readonly ListColumn<Row>[]
  readonly sort: string
  readonly isDescending: boolean
}

interface Page<Row> {
  readonly total: number
  readonly matched: number
  readonly offset: number
  readonly rows: readonly Row[]
  readonly shards_missing: readonly number[]
}

export class List<Row> {
  readonly #spec: ListSpec<Row>
  readonly #token: () => string
  readonly #rows: Rows<Row>
  readonly #heads: readonly HTMLTableCellElement[]
  readonly #filter = make('input', { type: 'search', autocomplete: 'off', spellcheck: false })
  readonly #range = make('span', { className: 'range' }, '0 of 0')
  readonly #back = make('button', { type: 'button', disabled: true }, 'Previous')
  readonly #on = make('button', { type: 'button', disabled: true }, 'Next')
  #sort: string
  #isDescending: boolean
  #offset = 0
  /** Of the request that is on its way. */
  #asking: AbortController | undefined
  #typing: ReturnType<typeof setTimeout> | undefined

  constructor(place: HTMLElement, spec: ListSpec<Row>, token: () => string) {
    this.#spec = spec
    this.#token = token
    this.#sort = spec.sort
    this.#isDescending = spec.isDescending
    const body = make('tbody')
    this.#heads = spec.columns.map((column) => this.#head(column))
    this.#rows = new Rows(body, spec.columns, 'None.')
    const caption = make('caption', { className: 'hidden' }, spec.title)
    const head = make('thead', {}, make('tr', {}, ...this.#heads))
    const table = make(
      'table',
      { className: spec.columns.length > 4 ? 'wide' : '' },
      caption,
      head,
      body,
    )
    const scroll = make('div', { className: 'scroll' }, table)
    // What scrolls must be reached by the keyboard, and have a name.
    Object.assign(scroll, { tabIndex: 0, role: 'region', ariaLabel: `Table: ${spec.title}` })
    this.#filter.placeholder = spec.filter
    const label = make(
      'label',
      {},
      make('span', { className: 'hidden' }, spec.filter),
      this.#filter,
    )
    const pager = make('div', { className: 'pager' }, this.#range, this.#back, this.#on)
    place.append(make('div', { className: 'bar' }, label, pager), scroll)
    this.#listen(place)
    this.#markOrder()
  }

  #head({ title, sort, isNumber, width, isDescendingFirst = false }: ListColumn<Row>) {
    const cell = make('th', { scope: 'col', className: isNumber ? 'number' : '' })
    if (width !== undefined) cell.style.width = `${width}%`
    if (sort === undefined) {
      cell.append(title)
      return cell
    }
    const button = make('button', { type: 'button', className: 'sort' }, title)
    button.addEventListener('click', () => {
      this.#isDescending = this.#sort === sort ? !this.#isDescending : isDescendingFirst
      this.#sort = sort
      this.#markOrder()
      this.#go(0)
    })
    cell.append(button)
    return cell
  }

  #listen(place: HTMLElement): void {
    this.#filter.addEventListener('input', () => {
      clearTimeout(this.#typing)
      this.#typing = setTimeout(() => this.#go(0), TYPING_MS)
    })
    this.#back.addEventListener('click', () => this.#go(this.#offset - PAGE_ROWS))
    this.#on.addEventListener('click', () => this.#go(this.#offset + PAGE_ROWS))
    whileSeen([place], () => void this.#refresh())
  }

  #markOrder(): void {
    for (const [index, { sort }] of this.#spec.columns.entries()) {
      const isSorted = sort !== undefined && sort === this.#sort
      const order = this.#isDescending ? 'descending' : 'ascending'
      if (sort !== undefined)
        this.#heads[index]?.setAttribute('aria-sort', isSorted ? order : 'none')
    }
  }

  /** Another question: the answer to the one before is of no use any more. */
  #go(offset: number): void {
    this.#offset = Math.max(0, offset)
    this.#asking?.abort()
    this.#asking = undefined
    void this.#refresh()
  }

  async #refresh(): Promise<void> {
    if (this.#asking !== undefined) return
    const asking = new AbortController()
    this.#asking = asking
    try {
      this.#show(await this.#read(asking.signal))
    } catch (error) {
      // Where the server is away, the page says so already.
      if (error instanceof Refusal) setText(this.#range, error.message)
    } finally {
      if (this.#asking === asking) this.#asking = undefined
    }
  }

  async #read(signal: AbortSignal): Promise<Page<Row>> {
    const { path, field, columns } = this.#spec
    const isReversed = columns.find(({ sort }) => sort === this.#sort)?.isReversed === true
    const query = new URLSearchParams({
      q: this.#filter.value,
      sort: this.#sort,
      order: this.#isDescending === isReversed ? 'asc' : 'desc',
      offset: `${this.#offset}`,
      limit: `${PAGE_ROWS}`,
    })
    const response = await ask(`${path}?${query}`, { token: this.#token(), signal })
    const page = (await response.json()) as Page<Row> & Record<string, readonly Row[]>
    return { ...page, rows: page[field] ?? [] }
  }

  #show({ total, matched, offset, rows, shards_missing: missing }: Page<Row>): void {
    if (rows.length === 0 && matched > 0) {
      // The list has become shorter than where this page begins.
      this.#offset = Math.floor((matched - 1) / PAGE_ROWS) * PAGE_ROWS
      return
    }
    this.#rows.show(rows)
    const range = rows.length === 0 ? '0' : `${count(offset + 1)}–${count(offset + rows.length)}`
    const all = matched === total ? '' : ` (${count(total)} in all)`
    const without = missing.length === 0 ? '' : `, without shard ${missing.join(', ')}`
    setText(this.#range, `${range} of ${count(matched)}${all}${without}`)
    this.#back.disabled = offset === 0
    this.#on.disabled = offset + rows.length >= matched
  }
}
