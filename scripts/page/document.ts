// The pages of docs/ that who runs or uses a server reads, as HTML: a server has its own, as it has no
// other address to send people to. What they link to and no server has is plain text here.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Lexer, Marked, Renderer, type Tokens } from 'marked'
import { gfmHeadingId } from 'marked-gfm-heading-id'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** In the order in which they are listed. */
const names = {
  protocol: 'what is on the wire',
  operations: 'limits, proxies, kernel, containers, stopping',
  options: 'every option, with default and bounds',
  command: 'publishing and reading from a shell',
  metrics: 'figures for Prometheus',
} as const

const FILE = /^(?:docs\/)?([a-z]+)\.md$/

class DocumentRenderer extends Renderer {
  override link(token: Tokens.Link): string {
    const href = hrefOf(token.href)
    if (href === undefined) return this.parser.parseInline(token.tokens)
    // What is called by its file has no file here.
    const tokens = FILE.test(token.text)
      ? Lexer.lexInline(token.text.replace(FILE, '$1'))
      : token.tokens
    return super.link({ ...token, href, tokens })
  }

  // Those of the repository are plots of its measurements.
  override image({ text }: Tokens.Image): string {
    return `(${text})`
  }

  // What may scroll can be reached by keyboard.
  override code(token: Tokens.Code): string {
    return super.code(token).replace('<pre>', '<pre tabindex="0">')
  }

  override table(token: Tokens.Table): string {
    return `<div class="scroll" tabindex="0">${super.table(token)}</div>\n`
  }
}

const marked = new Marked()
marked.setOptions({ renderer: new DocumentRenderer() })
marked.use(gfmHeadingId())

/** The documents by the path where they are served. */
export function documents(): ReadonlyMap<string, string> {
  const shell = read('src/page/document.html')
  const pages = Object.keys(names).map((name): [string, string] => {
    const text = read(`docs/${name}.md`)
    return [`/docs/${name}`, filled(shell, titleOf(text), marked.parse(text, { async: false }))]
  })
  return new Map([['/docs/', filled(shell, 'Documents', contents())], ...pages])
}

/** The list of them, and the README's of what the server does. */
function contents(): string {
  const rows = Object.entries(names).map(([name, what]) => `- [${name}](${name}.md): ${what}`)
  const [, does = ''] = /^## What it does\n(.*?)^## /ms.exec(read('README.md')) ?? []
  const text = `# Documents\n\n${rows.join('\n')}\n\n## What it does\n${does}`
  return marked.parse(text, { async: false })
}

/** Where a link of docs/ or of the README leads here; undefined where that is nowhere. */
function hrefOf(href: string): string | undefined {
  if (href.startsWith('#')) return href
  // Also what is only written like an address, with words in it, is taken for one.
  if (/^https?:/.test(href)) return URL.canParse(href) ? href : undefined
  const [, name = '', anchor = ''] = /^(?:docs\/)?([a-z]+)\.md(#.*)?$/.exec(href) ?? []
  return Object.hasOwn(names, name) ? `${name}${anchor}` : undefined
}

function titleOf(text: string): string {
  return /^# (.+)/.exec(text)?.[1] ?? ''
}

function filled(shell: string, title: string, body: string): string {
  return shell.replaceAll('{title}', () => title).replace('{body}', () => body)
}

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}
