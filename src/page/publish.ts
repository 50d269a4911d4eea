// A panel that publishes one event, and says what the server answered.
import { find, setText } from './element.ts'
import { ask, Refusal, topicPath } from './server.ts'

export function startPublish(): void {
  const form = find('publish', HTMLFormElement)
  const says = find('publish-says', HTMLElement)
  const fieldText = (field: string): string => {
    const element = form.elements.namedItem(field)
    const isField = element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement
    return isField ? element.value : ''
  }
  const publish = async (): Promise<void> => {
    const query = new URLSearchParams()
    for (const name of ['event', 'id']) if (fieldText(name) !== '') query.set(name, fieldText(name))
    const path = topicPath('/publish', fieldText('topic'))
    const body = fieldText('data')
    try {
      const token = fieldText('token')
      await ask(query.size === 0 ? path : `${path}?${query}`, { method: 'POST', body, token })
      const time = new Date().toLocaleTimeString('en', { hourCycle: 'h23' })
      setText(says, `Accepted at ${time}.`)
    } catch (error) {
      setText(says, error instanceof Refusal ? error.message : 'The server does not answer.')
    }
  }
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void publish()
  })
}
