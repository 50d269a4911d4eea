// How exact the figures of documents are. Pure.

export function tenths(value: number): number {
  return Math.round(value * 10) / 10
}

export function hundredths(value: number): number {
  return Math.round(value * 100) / 100
}
