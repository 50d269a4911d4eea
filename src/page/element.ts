// Making and finding elements. Text is set as text: nothing that a client or a publisher sent ever
// becomes markup.

type Child = Node | string

/** An element with these properties and children. */
export function make<T extends keyof HTMLElementTagNameMap>(
  tag: T,
  properties: Partial<HTMLElementTagNameMap[T]> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[T] {
  const element = Object.assign(document.createElement(tag), properties)
  element.append(...children)
  return element
}

/** The element of this id, which the page has. */
export function find<T extends HTMLElement>(id: string, type: abstract new () => T): T {
  const element = document.getElementById(id)
  if (!(element instanceof type)) throw new Error(`the page has no such element: ${id}`)
  return element
}

/** Sets a text that is another: a selection in one that stays is kept. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text
}

/** Shows a field that is only there when it is needed, with its label, and puts the cursor there. */
export function reveal(field: HTMLElement): void {
  const label = field.closest('label')
  if (label !== null) label.hidden = false
  field.focus()
}
