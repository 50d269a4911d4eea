// Makes src/page/ into what browsers get: one module in dist/, so that it is found wherever the server
// is, also within a single-file executable. The last step of the build.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { documents } from './document.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const source = join(root, 'src/page')

const HTML = 'text/html; charset=utf-8'
const SCRIPT = 'text/javascript; charset=utf-8'
const STYLE = 'text/css; charset=utf-8'

interface File {
  readonly type: string
  readonly text: string
}

/** A script or a style sheet, with all that it imports. */
async function bundled(name: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(source, name)],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    // Browsers of early 2024; light-dark() would else be written out for older ones.
    target: ['chrome123', 'firefox122', 'safari17.5'],
    logLevel: 'warning',
  })
  return outputFiles[0]?.text ?? ''
}

const files: Record<string, File> = {
  '/': { type: HTML, text: readFileSync(join(source, 'welcome.html'), 'utf8') },
  '/welcome.js': { type: SCRIPT, text: await bundled('welcome.ts') },
  '/welcome.css': { type: STYLE, text: await bundled('welcome.css') },
  '/admin/': { type: HTML, text: readFileSync(join(source, 'admin.html'), 'utf8') },
  '/admin/admin.js': { type: SCRIPT, text: await bundled('admin.ts') },
  '/admin/page.css': { type: STYLE, text: await bundled('page.css') },
  '/docs/document.css': { type: STYLE, text: await bundled('document.css') },
}
for (const [path, text] of documents()) files[path] = { type: HTML, text }

const folder = join(root, 'dist/page')
mkdirSync(folder, { recursive: true })
writeFileSync(join(folder, 'files.js'), `export const files = ${JSON.stringify(files)}\n`)
