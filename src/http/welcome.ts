// What everyone may see, and has nothing of clients: the page at /, and the documents. Shard thread.
// That page says what may be tried at this server, so it is made once, of its options.
import type { Config } from '../config/option.ts'
import { linesToTry } from '../ops/greeting.ts'
import type { Handler } from './head.ts'
import { pageOf, pages, writeMoved, writePage } from './page.ts'

/** The handlers by path. */
export function welcomeHandlers(config: Config): ReadonlyMap<string, Handler> {
  const handlers = new Map<string, Handler>([
    ['/docs', (response) => writeMoved(response, '/docs/')],
  ])
  for (const [path, page] of pages) {
    if (path.startsWith('/admin/')) continue
    const made = path === '/' ? pageOf(page.type, filled(page.text, config)) : page
    handlers.set(path, (response, request, head) => writePage(response, request, head, made))
  }
  return handlers
}

function filled(html: string, config: Config): string {
  // The page puts in the address by which it was reached.
  const lines = linesToTry(config, { base: '{origin}', isLocal: true, isUnchecked: false })
  const parts: Readonly<Record<string, string>> = {
    admin: config.admin === 'off' ? '' : '<a href="admin/">Admin page</a>',
    lines: lines.map(lineHtml).join('\n'),
    topic: config.preset === 'emojitracker' ? '/eps' : '/pets',
  }
  return html.replace(/\{(admin|lines|topic)\}/g, (_, name: string) => parts[name] ?? '')
}

function lineHtml(line: string): string {
  const text = line.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<li><pre tabindex="0"><code>${text}</code></pre><button type="button">Copy</button></li>`
}
