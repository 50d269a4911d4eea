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
