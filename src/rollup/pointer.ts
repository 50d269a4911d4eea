// JSON pointers (RFC 6901): the way to a value inside a document. Pure.

/** Reads values at one place of many documents. */
export class JsonPointer {
  readonly #steps: readonly string[]

  /** @param text a valid pointer: empty, or steps that begin with / */
  constructor(text: string) {
    // RFC 6901, 4: first ~1, then ~0, or ~01 would become a slash.
    this.#steps = text
      .split('/')
      .slice(1)
      .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  }

  /** The value there; undefined where the document has none. */
  read(document: unknown): unknown {
    let value = document
    for (const step of this.#steps) {
      if (typeof value !== 'object' || value === null) return undefined
      // An array takes its indexes only, without leading zeros: not length.
      if (Array.isArray(value) && !/^(0|[1-9]\d*)$/.test(step)) return undefined
      if (!Object.hasOwn(value, step)) return undefined
      value = (value as Record<string, unknown>)[step]
    }
    return value
  }
}
