// Holds what subscribers got against what the server accepted. Pure.
import type { SubscriberReport } from './load/message.ts'

export interface Account {
  /** Deliveries that subscribers which stayed have not had. */
  readonly missed: number
  readonly orderErrors: number
  /** Subscribers that the server closed. */
  readonly closed: number
}

/**
 * @param reports of the threads that subscribed
 * @param expected what each subscriber of a selection should have got, by selection; undefined
 *   where nobody knows: then it is what the one that got most has
 */
export function settle(
  reports: readonly SubscriberReport[],
  expected: readonly (number | undefined)[],
): Account {
  const due = expected.map((count, selection) => count ?? mostOf(reports, selection))
  /** Of each selection, the order in which the first of its subscribers got all there was. */
  const orders = new Map<number, number>()
  let missed = 0
  let closed = 0
  let orderErrors = 0
  for (const report of reports) {
    orderErrors += report.orderErrors
    for (const [index, got] of report.got.entries()) {
      const selection = report.selection[index] as number
      const missing = (due[selection] as number) - got
      if (report.isClosed[index] === 1) closed++
      else missed += Math.max(0, missing)
      // Only those that got all can be compared by a hash.
      if (missing !== 0) continue
      const order = report.orderHash[index] as number
      if (!orders.has(selection)) orders.set(selection, order)
      if (orders.get(selection) !== order) orderErrors++
    }
  }
  return { missed, orderErrors, closed }
}

function mostOf(reports: readonly SubscriberReport[], selection: number): number {
  let most = 0
  for (const report of reports) {
    for (const [index, got] of report.got.entries()) {
      if (report.selection[index] === selection) most = Math.max(most, got)
    }
  }
  return most
}
