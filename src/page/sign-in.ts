// The admin token: asked for when the server wants one, kept as long as the tab.
import { find, setText } from './element.ts'
import { Keep } from './keep.ts'

export class SignIn {
  readonly #kept = new Keep('carillon-admin-token', () => sessionStorage)
  readonly #dialog = find('sign-in', HTMLDialogElement)
  readonly #field = find('admin-token', HTMLInputElement)
  readonly #says = find('sign-in-says', HTMLElement)
  /** No token that is known is good. */
  #isWanted = false

  /** @param given there is a token to try */
  constructor(given: () => void) {
    find('sign-in-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault()
      this.#kept.value = this.#field.value.trim()
      this.#isWanted = false
      this.#dialog.close()
      given()
    })
    // Nothing is to be seen without a token. A second Escape cannot be prevented, so it opens again.
    this.#dialog.addEventListener('cancel', (event) => event.preventDefault())
    this.#dialog.addEventListener('close', () => {
      if (this.#isWanted) this.#dialog.showModal()
    })
  }

  get token(): string {
    return this.#kept.value ?? ''
  }

  /** @param why the server refused */
  ask(why: string): void {
    this.#isWanted = true
    setText(this.#says, why)
    this.#field.value = ''
    if (!this.#dialog.open) this.#dialog.showModal()
  }
}
