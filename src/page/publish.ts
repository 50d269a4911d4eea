// A panel that publishes one event, and says what the server answered.
import { find, reveal, setText } from './element.ts'
import { timeOfDay } from './figure.ts'
import { ask, Refusal, topicPath } from './server.ts'

export function startPublish(): void {
  const form = find('publish', HTMLFormElement)
  const says = find('publish-says', HTMLElement)
  const fieldOf = (name: string): HTMLInputElement | HTMLTextAreaElement | undefined => {
    const element = form.elements.namedItem(name)
    const isField = element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement
    return isField ? element : undefined
  }
  const fieldText = (name: string): string => fieldOf(name)?.value ?? ''
  const publish = async (): Promise<void> => {
    const query = new URLSearchParams()
    for (const name of ['event', 'id']) if (fieldText(name) !== '') query.set(name, fieldText(name))
    const body = fieldText('data')
    try {
      const path = topicPath('/publish', fieldText('topic'))
      const request = { method: 'POST', body, token: fieldText('token') } as const
      await ask(query.size === 0 ? path : `${path}?${query}`, request)
      const time = timeOfDay(Date.now() / 1000)
      setText(says, `Accepted at ${time}.`)
    } catch (error) {
      setText(says, error instanceof Refusal ? error.message : 'The server does not answer.')
      const token = fieldOf('token')
      if (error instanceof Refusal && error.asksForToken && token !== undefined) reveal(token)
    }
  }
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void publish()
  })
}
