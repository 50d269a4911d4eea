// Long lists in pages, a page a turn: 20,000 rows disturb no flush. Any thread.

/** Rows made, sent or written in one turn: about a millisecond at most. */
export const PAGE_ROWS = 250

/** Looks at every row, a page a turn. Rows may come and go meanwhile, if what has them allows it. */
export function eachInPages<T>(rows: Iterable<T>, look: (row: T) => void, done: () => void): void {
  const rest = rows[Symbol.iterator]()
  const page = (): void => {
    for (let row = 0; row < PAGE_ROWS; row++) {
      const next = rest.next()
      if (next.done) {
        done()
        return
      }
      look(next.value)
    }
    setImmediate(page)
  }
  page()
}

/** Sends a row of each item, a page a turn. The last page may be empty. */
export function sendInPages<T, R>(
  items: Iterable<T>,
  rowOf: (item: T) => R,
  send: (rows: readonly R[], last: boolean) => void,
): void {
  let rows: R[] = []
  const take = (item: T): void => {
    rows.push(rowOf(item))
    if (rows.length < PAGE_ROWS) return
    send(rows, false)
    rows = []
  }
  eachInPages(items, take, () => send(rows, true))
}
