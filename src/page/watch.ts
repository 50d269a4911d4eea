// A panel that shows the events of a topic as they come. It keeps the last of them, and writes them a
// few times a second however fast they are.
import { find, make, reveal, setText } from './element.ts'
import { count, timeOfDay } from './figure.ts'
import { Refusal, readStream, topicPath } from './server.ts'

const EVENTS_MAX = 200
const WRITE_MS = 250
/** Of an event's data; the rest is left out. */
const TEXT_LENGTH_MAX = 2000

interface Seen {
  readonly at: number
  readonly event: string
  readonly id: string
  readonly data: string
}

export class Watch {
  readonly #form = find('watch', HTMLFormElement)
  readonly #topic = find('watch-topic', HTMLInputElement)
  readonly #token = find('watch-token', HTMLInputElement)
  readonly #submit = find('watch-submit', HTMLButtonElement)
  readonly #pause = find('watch-pause', HTMLButtonElement)
  readonly #list = find('watch-events', HTMLOListElement)
  readonly #says = find('watch-says', HTMLElement)
  /** What the button says while nothing is watched. */
  readonly #label = this.#submit.textContent ?? ''
  #stream: AbortController | undefined
  #pending: Seen[] = []
  #seen = 0
  #isPaused = false

  constructor() {
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault()
      if (this.#stream === undefined) void this.#open()
      else this.#close('Stopped.')
    })
    this.#pause.addEventListener('click', () => {
      this.#isPaused = !this.#isPaused
      this.#pause.ariaPressed = `${this.#isPaused}`
    })
    find('watch-clear', HTMLButtonElement).addEventListener('click', () => {
      this.#pending = []
      this.#seen = 0
      this.#list.replaceChildren()
      this.#write()
    })
    setInterval(() => this.#write(), WRITE_MS)
  }

  /** Watches a topic from now on. */
  topic(topic: string): void {
    this.#stream?.abort()
    this.#stream = undefined
    this.#topic.value = topic
    this.#form.scrollIntoView({ block: 'center' })
    this.#submit.focus()
    void this.#open()
  }

  async #open(): Promise<void> {
    const stream = new AbortController()
    this.#stream = stream
    this.#seen = 0
    this.#pending = []
    this.#list.replaceChildren()
    setText(this.#submit, 'Stop')
    setText(this.#says, 'Connecting…')
    const request = { token: this.#token.value, signal: stream.signal }
    const opened = (): void => setText(this.#says, 'Waiting for events.')
    try {
      await readStream(
        topicPath('/subscribe', this.#topic.value),
        request,
        ({ event = '', id = '', data }) => {
          this.#take({ at: Date.now(), event, id, data })
        },
        opened,
      )
      if (this.#stream === stream) this.#close('The server ended the stream.')
    } catch (error) {
      if (this.#stream !== stream) return
      this.#close(error instanceof Refusal ? error.message : 'The connection is lost.')
      if (error instanceof Refusal && error.asksForToken) reveal(this.#token)
    }
  }

  #close(text: string): void {
    this.#stream?.abort()
    this.#stream = undefined
    setText(this.#submit, this.#label)
    setText(this.#says, text)
  }

  #take(seen: Seen): void {
    this.#seen++
    if (this.#isPaused) return
    this.#pending.push(seen)
    if (this.#pending.length > 2 * EVENTS_MAX) this.#pending = this.#pending.slice(-EVENTS_MAX)
  }

  #write(): void {
    if (this.#stream !== undefined && this.#seen > 0) {
      const paused = this.#isPaused ? ', paused' : ''
      setText(this.#says, `${count(this.#seen)} event${this.#seen === 1 ? '' : 's'}${paused}`)
    }
    const lines = this.#pending.slice(-EVENTS_MAX).map(lineOf)
    this.#pending = []
    if (lines.length === 0) return
    this.#list.prepend(...lines.toReversed())
    while (this.#list.children.length > EVENTS_MAX) this.#list.lastElementChild?.remove()
  }
}

function lineOf({ at, event, id, data }: Seen): HTMLLIElement {
  const time = timeOfDay(at / 1000)
  const text =
    data.length > TEXT_LENGTH_MAX ? `${data.slice(0, TEXT_LENGTH_MAX)}… (${data.length})` : data
  const line = make('li', {}, make('time', {}, time), ' ')
  if (event !== '') line.append(make('b', {}, make('bdi', {}, event)), ' ')
  if (id !== '') line.append(make('i', {}, '#', make('bdi', {}, id)), ' ')
  line.append(make('span', { dir: 'auto' }, text))
  return line
}
