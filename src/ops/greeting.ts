// What someone is told who has just started a server: where to look, what to try. Main thread, where standard output
// is a terminal; the lines to try are also those of the page at /. Pure.
import type { Paint } from '../client/paint.ts'
import { isLoopbackHost } from '../config/network.ts'
import type { Config } from '../config/option.ts'

/** How curl gets to the server. */
interface Way {
  /** What stands before the path; curl takes http for granted. */
  readonly base: string
  /** For who does not come as a program of this machine, paths that are only for those are left out. */
  readonly isLocal: boolean
  /** curl cannot check the certificate: it is for a name, and the base is an address. */
  readonly isUnchecked: boolean
}

/** Lines for a shell: two or three that read and, where it may, one that publishes. */
export function linesToTry(config: Config, { base, isLocal, isUnchecked }: Way): readonly string[] {
  const curl = isUnchecked ? 'curl -k' : 'curl'
  const header = (right: 'publish' | 'subscribe'): string =>
    needsToken(config, right) ? ` -H 'Authorization: Bearer ${right.toUpperCase()}_TOKEN'` : ''
  const read = (path: string): string => `${curl} -N${header('subscribe')} ${quoted(base + path)}`
  if (config.preset === 'emojitracker') {
    return ['/subscribe/eps', '/subscribe/raw', '/subscribe/details'].map(read)
  }
  const post = (data: string, path: string, isPublic: boolean): string[] => {
    if (isPublic) return [`${curl} -d ${data} ${quoted(base + path)}`]
    if (!isLocal && !needsToken(config, 'publish')) return []
    return [`${curl}${header('publish')} -d ${data} ${quoted(base + path)}`]
  }
  const isPublic = config.publish === 'public' && !needsToken(config, 'publish')
  const posts = [
    ...post(`'{"hello":"world"}'`, '/api/events', config.apiEvents === 'public'),
    ...post('woof', '/publish/pets/dogs', isPublic),
  ]
  return [read('/events'), read('/subscribe/pets'), posts.join('; ')].filter((line) => line !== '')
}

/**
 * What follows the line that says that the server listens.
 * @param url where programs on this machine reach it
 */
export function greeting(config: Config, url: string, paint: Paint): string {
  const { hostname, protocol } = new URL(url)
  const isLocal = isLoopbackHost(hostname.replace(/^\[|\]$/g, ''))
  const lines = linesToTry(config, {
    base: url.replace(/^http:\/\//, ''),
    isLocal,
    isUnchecked: protocol === 'https:',
  })
  const places = [
    ['To try it', '/'],
    ...(hasAdmin(config, isLocal) ? [['At work', '/admin/']] : []),
    ['Documents', '/docs/'],
  ].map(([what, path]) => `  ${`${what}`.padEnd(11)}${paint('cyan', `${url}${path}`)}\n`)
  const source = config.preset === 'emojitracker' ? '; the events come from Redis' : ''
  return `
${paint('bold', 'In a browser')}:

${places.join('')}
${paint('bold', 'In a shell, each line in a terminal of its own')}${source}:

${lines.map((line) => `  ${paint('cyan', line)}\n`).join('')}
${paint('dim', 'Ctrl-C stops it.')}

`
}

/** Does the address of the admin page lead somewhere? */
function hasAdmin(config: Config, isLocal: boolean): boolean {
  if (config.admin !== 'loopback') return config.admin === 'public'
  return isLocal || needsToken(config, 'admin')
}

function needsToken(config: Config, right: 'admin' | 'publish' | 'subscribe'): boolean {
  return config[`${right}Token`].length > 0 || config[`${right}TokenFile`].length > 0
}

/** A shell would look for files of an IPv6 address in brackets, and the page's slot is in braces. */
function quoted(url: string): string {
  return /[[{]/.test(url) ? `'${url}'` : url
}
