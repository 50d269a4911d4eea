// Panes of a terminal as an SVG: text on a dark ground of its own, so that it can be read on a light
// page and on a dark one. It asks for no font but the reader's.

/** What stood on a terminal: a command, and what it printed, with escapes for colours. */
export interface Shown {
  readonly command: string
  readonly text: string
}

const ESC = '\x1b'

const GROUND = '#14181f'
const EDGE = '#4b5563'
const INK = '#e5e7eb'
const PROMPT = '#9ca3af'

/** Attributes of text by the number that turns them on (ECMA-48, 8.3.117). */
const STYLES: Readonly<Record<number, string>> = {
  1: 'font-weight="bold"',
  2: `fill="${PROMPT}"`,
  31: 'fill="#fca5a5"',
  32: 'fill="#86efac"',
  33: 'fill="#fcd34d"',
  35: 'fill="#f0abfc"',
  36: 'fill="#67e8f9"',
}
/** Those that turn them off. */
const PLAIN: ReadonlySet<number> = new Set([0, 22, 39])

const SIZE_PX = 14
const LINE_PX = 20
/** Of a character: fonts differ, so each stretch of text is told how wide it is. */
const COLUMN_PX = 8.4
const MARGIN_PX = 16
const GAP_PX = 12

/** A stretch of text in one style. */
interface Stretch {
  readonly text: string
  readonly style: string
}

/** @param title what it shows, for who does not see it */
export function drawing(title: string, panes: readonly Shown[]): string {
  const drawn = panes.map(({ command, text }) => [
    [
      { text: '$ ', style: `fill="${PROMPT}"` },
      { text: command, style: STYLES[1] as string },
    ],
    ...text.trimEnd().split('\n').map(stretches),
  ])
  const columns = Math.max(...drawn.flat().map((line) => widthOf(line)))
  const width = Math.ceil(columns * COLUMN_PX) + 2 * MARGIN_PX
  let y = 0
  const boxes = drawn.map((lines) => {
    const height = lines.length * LINE_PX + MARGIN_PX
    const box = paneBox(lines, y, width, height)
    y += height + GAP_PX
    return box
  })
  const height = y - GAP_PX
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" \
width="${width}" height="${height}" role="img" aria-label="${escaped(title)}" \
font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" \
font-size="${SIZE_PX}" fill="${INK}">
<title>${escaped(title)}</title>
${boxes.join('\n')}
</svg>
`
}

function paneBox(lines: readonly Stretch[][], y: number, width: number, height: number): string {
  const frame = `<rect x="0.5" y="${y + 0.5}" width="${width - 1}" height="${height - 1}" rx="6" \
fill="${GROUND}" stroke="${EDGE}"/>`
  const texts = lines.map((line, index) => {
    return lineText(line, y + MARGIN_PX / 2 + index * LINE_PX + SIZE_PX)
  })
  return [frame, ...texts.filter((text) => text !== '')].join('\n')
}

function lineText(line: readonly Stretch[], y: number): string {
  let column = 0
  const spans = line.map(({ text, style }) => {
    const x = round(MARGIN_PX + column * COLUMN_PX)
    column += text.length
    if (text.trim() === '') return ''
    const wide = `textLength="${round(text.length * COLUMN_PX)}" lengthAdjust="spacingAndGlyphs"`
    return `<tspan x="${x}" ${wide} ${style}>${escaped(text)}</tspan>`
  })
  const all = spans.join('')
  return all === '' ? '' : `<text xml:space="preserve" y="${y}">${all}</text>`
}

/** A line in stretches of one style. @throws Error for an escape that is no style known here */
function stretches(line: string): Stretch[] {
  let style = ''
  const found: Stretch[] = []
  // What stands before the first escape is taken for one that changes nothing.
  for (const part of `0m${line}`.split(`${ESC}[`)) {
    const [, code, text] = /^(\d+)m(.*)$/.exec(part) ?? []
    if (text === undefined || /\p{Cc}/u.test(text))
      throw new Error(`what is ${JSON.stringify(part)}?`)
    const next = PLAIN.has(Number(code)) ? '' : STYLES[Number(code)]
    if (next === undefined) throw new Error(`no style for ${code}`)
    style = next
    if (text !== '') found.push({ text, style })
  }
  return found
}

function widthOf(line: readonly Stretch[]): number {
  return line.reduce((sum, { text }) => sum + text.length, 0)
}

function round(length: number): number {
  return Math.round(length * 10) / 10
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
