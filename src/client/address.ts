// Where things are on a server: the paths of topics behind its URL. Main thread.
import { CarillonError } from '../error.ts'
import { Fault } from '../event/fault.ts'
import { normaliseTopic } from '../event/topic.ts'

/**
 * The URL of a topic, `https://host/path/publish/pets/dogs`.
 * @param base may have a path, as behind a proxy
 * @param topic plain text: what is special in a URL is encoded here
 * @throws CarillonError for a topic that no server would take
 */
export function topicUrl(base: string, action: 'publish' | 'subscribe', topic: string): URL {
  // Checked here, because a URL resolves . and .. by itself: ../admin would be another path.
  const path = normaliseTopic(topic)
  if (path instanceof Fault) {
    throw new CarillonError('bad_value', `topic ${JSON.stringify(topic)}: ${path.detail}`)
  }
  const url = new URL(base)
  const encoded = path.split('/').map(encodeURIComponent).join('/')
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${action}${encoded}`
  return url
}
