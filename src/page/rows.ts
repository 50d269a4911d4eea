// The rows of a table's body: made once and written over, so that a selection, a focus or a scroll
// position stays when the figures change.
import { make, setText } from './element.ts'

export interface Column<Row> {
  readonly title: string
  readonly text: (row: Row) => string
  /** Right-aligned. */
  readonly isNumber?: boolean
  /** What a click on the value does; it is a button then. */
  readonly act?: { readonly label: (row: Row) => string; readonly run: (row: Row) => void }
}

export class Rows<Row> {
  readonly #body: HTMLTableSectionElement
  readonly #columns: readonly Column<Row>[]
  readonly #empty: string
  #rows: readonly Row[] = []

  /** @param empty what stands there without rows */
  constructor(body: HTMLTableSectionElement, columns: readonly Column<Row>[], empty: string) {
    this.#body = body
    this.#columns = columns
    this.#empty = empty
    this.show([])
  }

  show(rows: readonly Row[]): void {
    this.#rows = rows
    if (rows.length === 0) {
      const cell = make('td', { colSpan: this.#columns.length, className: 'empty' }, this.#empty)
      this.#body.replaceChildren(make('tr', {}, cell))
      return
    }
    if (this.#body.querySelector('.empty') !== null) this.#body.replaceChildren()
    while (this.#body.rows.length > rows.length) this.#body.deleteRow(-1)
    while (this.#body.rows.length < rows.length) this.#add()
    for (const [index, row] of rows.entries()) this.#write(index, row)
  }

  #add(): void {
    const index = this.#body.rows.length
    const cells = this.#columns.map(({ isNumber, act }) => {
      const cell = make('td', { className: isNumber ? 'number' : '' })
      if (act === undefined) return cell
      const button = make('button', { type: 'button', className: 'link' })
      button.addEventListener('click', () => act.run(this.#rows[index] as Row))
      cell.append(button)
      return cell
    })
    this.#body.append(make('tr', {}, ...cells))
  }

  #write(index: number, row: Row): void {
    const cells = this.#body.rows[index]?.cells ?? []
    for (const [column, { text, act }] of this.#columns.entries()) {
      const cell = cells[column] as HTMLTableCellElement
      const place = act === undefined ? cell : (cell.firstElementChild as HTMLElement)
      setText(place, text(row))
      if (act === undefined) cell.title = text(row)
      else place.ariaLabel = act.label(row)
    }
  }
}
