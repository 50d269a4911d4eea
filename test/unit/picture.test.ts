// The still of a terminal in the README: that it can be made anew from the real commands, and that what
// they print is drawn as it is.
import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { describe, it } from 'node:test'
import { drawing } from '../../scripts/picture/drawing.ts'
import { terminalStill } from '../../scripts/picture/terminal.ts'

const ESC = '\x1b'

/** The texts of a drawing, line by line. */
function textsOf(svg: string): string[] {
  return [...svg.matchAll(/<text .*?<\/text>/g)].map(([line]) => line.replace(/<[^>]+>/g, ''))
}

describe('the still of a terminal', () => {
  it('shows what the commands of the README print', async () => {
    const texts = textsOf(await terminalStill())
    assert.match(texts.find((text) => text.startsWith('carillon ')) ?? '', / listening on http:/)
    assert.ok(
      texts.includes(
        'data: {&quot;hello&quot;:&quot;world&quot;,&quot;user_ip&quot;:&quot;127.0.0.1&quot;}',
      ),
    )
    assert.ok(texts.some((text) => /^\d\d:\d\d:\d\d\.\d{3} woof$/.test(text)))
    assert.ok(texts.includes('{&quot;accepted&quot;:1}'))
    const prompts = texts.filter((text) => text.startsWith('$ '))
    assert.equal(prompts.length, 4)
    assert.ok(!texts.some((text) => text.includes(hostname()) || text.includes(process.cwd())))
  })

  it('has text in its colours, and no markup of it', () => {
    const text = `${ESC}[36ma <b>${ESC}[39m & "c"\n\n  d\n`
    const svg = drawing('a "title"', [{ command: 'x', text }])
    assert.deepEqual(textsOf(svg), ['$ x', 'a &lt;b> &amp; &quot;c&quot;', '  d'])
    assert.match(svg, /<tspan [^>]*fill="#67e8f9">a &lt;b></)
    assert.match(svg, /aria-label="a &quot;title&quot;"/)
  })

  it('is not made where the text moves the cursor or has a style it does not know', () => {
    for (const text of [`${ESC}[2J`, `${ESC}[44mx`, 'x\by']) {
      assert.throws(() => drawing('', [{ command: 'x', text }]), /what is|no style/, text)
    }
  })
})
