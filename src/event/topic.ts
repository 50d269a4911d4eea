// The grammar of topics: paths of segments, hierarchical. Pure; any thread.
// A topic is kept in one form only: `/` for the root, else `/a/b`, decoded, without a trailing slash.
import { Fault } from './fault.ts'

/** Longest topic, in bytes of UTF-8, slashes included. */
export const TOPIC_BYTES_MAX = 512

/** Most segments in a topic; also the most feeds one event can be appended to, less one. */
export const TOPIC_SEGMENTS_MAX = 16

/** Where POST /api/events publishes, and GET /events listens. */
export const EVENTS_TOPIC = '/events'

// C0 controls and DEL: they would break log lines and the status document.
// biome-ignore lint/suspicious/noControlCharactersInRegex: controls are what is looked for.
const CONTROL = /[\u0000-\u001f\u007f]/

/**
 * A topic from a URL's path, percent-decoded once, as sseserver decodes namespaces.
 * `//` and a trailing `/` are normalised away.
 */
export function topicFromPath(path: string): string | Fault {
  let text = path
  if (path.includes('%')) {
    try {
      text = decodeURIComponent(path)
    } catch {
      return new Fault('invalid_topic', 'the topic has a percent-encoding that is not UTF-8')
    }
  }
  return normaliseTopic(text)
}

/** A topic from plain text, such as a name in a batch below its path's topic. */
export function normaliseTopic(text: string): string | Fault {
  if (CONTROL.test(text)) return new Fault('invalid_topic', 'the topic has a control character')
  if (!text.isWellFormed()) return new Fault('invalid_topic', 'the topic is not valid Unicode')
  const segments = text.split('/').filter((segment) => segment !== '')
  // Proxies and clients resolve dot segments, each at its own time (RFC 3986, 5.2.4): a topic
  // that has one would be another topic depending on the way it came.
  if (segments.some((segment) => segment === '.' || segment === '..')) {
    return new Fault('invalid_topic', 'the topic has a segment that is . or ..')
  }
  if (segments.length > TOPIC_SEGMENTS_MAX) {
    const found = `${segments.length} segments`
    return new Fault('topic_too_deep', `the topic has ${found}, limit ${TOPIC_SEGMENTS_MAX}`)
  }
  const topic = `/${segments.join('/')}`
  const bytes = Buffer.byteLength(topic)
  if (bytes > TOPIC_BYTES_MAX) {
    return new Fault('topic_too_long', `the topic is ${bytes} bytes long, limit ${TOPIC_BYTES_MAX}`)
  }
  return topic
}

/** The topic itself and all above it, root first: every selection that an event on it matches. */
export function selectionsOf(topic: string): string[] {
  const selections = ['/']
  if (topic === '/') return selections
  for (let at = topic.indexOf('/', 1); at !== -1; at = topic.indexOf('/', at + 1)) {
    selections.push(topic.slice(0, at))
  }
  selections.push(topic)
  return selections
}

/** Does a subscriber of `selection` get what is published on `topic`? Both in their one form. */
export function covers(selection: string, topic: string): boolean {
  if (selection === '/' || selection === topic) return true
  return topic.startsWith(selection) && topic[selection.length] === '/'
}
