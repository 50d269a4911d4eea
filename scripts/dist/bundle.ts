// Makes one script of the built command and one of a shard's thread, with all their packages. Four
// modules look for files beside them, and an executable has none: here they get what it has instead.
import { readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Loader, type Metafile, type Plugin } from 'esbuild'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A change in a module's text; its package is pinned, so the text is known. */
interface Change {
  readonly module: RegExp
  readonly from: string
  readonly to: string
}

const version = (
  JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
).version

const changes: readonly Change[] = [
  {
    module: /\/dist\/ops\/version\.js$/,
    from: "createRequire(import.meta.url)('../../package.json')",
    to: JSON.stringify({ version }),
  },
  {
    // Piscina starts its threads from a file.
    module: /\/piscina\/dist\/worker_pool\/index\.js$/,
    from: 'new node_worker_threads_1.Worker(filename, workerOpts)',
    to: `new node_worker_threads_1.Worker(
      require("node:sea").getAsset("thread", "utf8"), { ...workerOpts, eval: true })`,
  },
  {
    // And they load what they run from another, which the supervisor names.
    module: /\/piscina\/dist\/worker\.js$/,
    from: 'require(s)',
    to: `require(${JSON.stringify(join(root, 'dist/thread.js'))})`,
  },
]

/** Stands in for the package of uWebSockets.js, which picks its addon among files. */
const ADDON_LOADER = `
  const { placeAddon } = require(${JSON.stringify(join(root, 'dist/hub/addon.js'))})
  const { workerData } = require('node:worker_threads')
  const loaded = { exports: {} }
  process.dlopen(loaded, placeAddon([workerData.addonFolder]).path)
  module.exports = loaded.exports`

/**
 * What packages load where it is installed, and do without where it is not, as here: the priority
 * of Piscina's threads; a hash for scripts, of Redis's client.
 */
const OPTIONAL = /^(@napi-rs\/nice|@node-rs\/xxhash)$/

function change(path: string): { contents: string; loader: Loader } {
  let contents = readFileSync(path, 'utf8')
  for (const { module, from, to } of changes) {
    if (!module.test(path)) continue
    if (contents.split(from).length !== 2) throw new Error(`${path} has not once: ${from}`)
    contents = contents.replace(from, () => to)
  }
  return { contents, loader: 'js' }
}

const embedded: Plugin = {
  name: 'embedded',
  setup({ onLoad, onResolve }) {
    for (const { module } of changes) onLoad({ filter: module }, ({ path }) => change(path))
    onResolve({ filter: /^uWebSockets\.js$/ }, () => ({ path: 'addon', namespace: 'embedded' }))
    onResolve({ filter: OPTIONAL }, () => ({ path: 'missing', namespace: 'embedded' }))
    onLoad({ filter: /.*/, namespace: 'embedded' }, ({ path }) => ({
      contents: path === 'addon' ? ADDON_LOADER : "throw new Error('not in this executable')",
      resolveDir: root,
    }))
  },
}

/** Bundles into one file, and says what it is made of. */
async function bundleOne(entry: string, outfile: string): Promise<Metafile> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node22',
    // jsonc-parser's main hides what it loads from bundlers; its module does not.
    mainFields: ['module', 'main'],
    // The supervisor makes a file's name of it, which is not looked for.
    define: { 'import.meta.url': '"file:///carillon/main.js"' },
    plugins: [embedded],
    metafile: true,
    logLevel: 'warning',
    logOverride: { 'indirect-require': 'warning', 'unsupported-require-call': 'warning' },
  })
  const external = Object.values(metafile.inputs).flatMap((input) =>
    input.imports.filter((one) => one.external).map((one) => one.path),
  )
  const missing = external.filter((path) => !isBuiltin(path))
  // A thread's require would look for them from the folder on where the program was started.
  if (missing.length > 0) throw new Error(`${entry} needs ${missing.join(', ')} at run time`)
  return metafile
}

/** Writes main.js and thread.js into the folder. @returns the licences of what is in them */
export async function bundle(folder: string): Promise<string> {
  const made = [
    await bundleOne('dist/main.js', join(folder, 'main.js')),
    await bundleOne('node_modules/piscina/dist/worker.js', join(folder, 'thread.js')),
  ]
  const paths = made.flatMap(({ inputs }) => Object.keys(inputs))
  const found = paths.map((path) => /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(path)?.[0])
  const packages = found.filter((path) => path !== undefined)
  const all = new Set([...packages, 'node_modules/uWebSockets.js'])
  return [...all].toSorted().map(licenceOf).join('\n')
}

function licenceOf(packageFolder: string): string {
  const folder = join(root, packageFolder)
  const { name, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    name: string
    license: string
  }
  const file = readdirSync(folder).find((path) => /^licen[sc]e/i.test(path))
  const text = file === undefined ? 'The package has no text of it.\n' : read(join(folder, file))
  return `${'-'.repeat(80)}\n${name} (${license})\n\n${text}`
}

function read(path: string): string {
  return readFileSync(path, 'utf8')
}
