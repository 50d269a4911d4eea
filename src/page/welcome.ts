// The page at /: the panels of the admin page that watch a topic and publish an event, and lines to
// try from a shell, for the address by which this page was reached.
import { find, setText } from './element.ts'
import { startPublish } from './publish.ts'
import { startTheme } from './theme.ts'
import { Watch } from './watch.ts'

// curl takes http for granted.
const base = location.origin.replace(/^http:\/\//, '')

function startLine(line: Element): void {
  const code = line.querySelector('code')
  if (code === null) return
  setText(code, (code.textContent ?? '').replaceAll('{origin}', base))
  const says = find('copy-says', HTMLElement)
  line.querySelector('button')?.addEventListener('click', () => {
    getSelection()?.selectAllChildren(code)
    // A browser lets pages write there only over https, or on this machine.
    if (!isSecureContext) setText(says, 'Selected.')
    else {
      navigator.clipboard.writeText(code.textContent ?? '').then(
        () => setText(says, 'Copied.'),
        () => setText(says, 'Selected.'),
      )
    }
  })
}

startTheme(() => {})
for (const line of document.querySelectorAll('.lines li')) startLine(line)
new Watch()
startPublish()
