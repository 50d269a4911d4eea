// What the browser keeps for the page. One that refuses to keep anything (blocked cookies, a sandboxed
// frame) throws at the first touch: the page then forgets with the next reload, and works until then.

export class Keep {
  readonly #key: string
  readonly #storage: () => Storage
  #value: string | null = null

  /** @param storage is touched here only: the property itself may throw */
  constructor(key: string, storage: () => Storage) {
    this.#key = key
    this.#storage = storage
    try {
      this.#value = storage().getItem(key)
    } catch {
      // Nothing is kept, so there is nothing from before.
    }
  }

  get value(): string | null {
    return this.#value
  }

  set value(value: string) {
    this.#value = value
    try {
      this.#storage().setItem(this.#key, value)
    } catch {
      // Known until the next reload.
    }
  }
}
