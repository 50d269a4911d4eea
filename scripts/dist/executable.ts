// One single-file executable: Node's own, with our scripts and the addon put into it.
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle } from './bundle.ts'
import { checkExecutable } from './macho-check.ts'
import { sign } from './macho-signature.ts'
import type { Target } from './target.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Of Node 22: the addon's file is named by it. */
const MODULES_VERSION = 127
/** Node looks for this in itself, and for a 1 behind it. */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'
const SEGMENT = 'NODE_SEA'
const POSTJECT = 'node_modules/postject/dist/cli.js'
const IDENTIFIER = 'carillon'

/** Makes dist/carillon-NAME, by way of a folder in .cache, where the licences stay. */
export async function makeExecutable(name: string, target: Target): Promise<void> {
  const { platform, arch, strip } = target
  const folder = join(root, '.cache/dist', name)
  mkdirSync(folder, { recursive: true })
  const licences = await bundle(folder)
  const node = run('sh', 'scripts/node22.sh', `${platform}-${arch}`)
  const nodeLicence = readFileSync(join(dirname(node), '../LICENSE'), 'utf8')
  writeFileSync(join(folder, 'THIRD-PARTY-LICENSES'), `${nodeLicence}\n${licences}`)
  const blob = makeBlob(folder, target)
  const made = join(folder, 'carillon')
  copyFileSync(node, made)
  chmodSync(made, 0o755)
  if (strip !== undefined) run(strip, made)
  const inject = ['--sentinel-fuse', FUSE, '--macho-segment-name', SEGMENT]
  run(process.execPath, POSTJECT, made, 'NODE_SEA_BLOB', blob, ...inject)
  if (platform === 'darwin') {
    writeFileSync(made, sign(readFileSync(made), IDENTIFIER))
    checkExecutable(readFileSync(made), SEGMENT)
  }
  // Whole or not at all: make takes what is there for made.
  renameSync(made, join(root, 'dist', `carillon-${name}`))
}

/** Runs a program from the root. What it says on standard error is shown only where it fails. */
function run(program: string, ...argv: readonly string[]): string {
  return execFileSync(program, argv, { cwd: root, stdio: 'pipe', encoding: 'utf8' }).trim()
}

/**
 * By the same Node on this system: what it makes is the same for all, without a code cache.
 * @returns its path
 */
function makeBlob(folder: string, { platform, arch }: Target): string {
  const addons = 'node_modules/uWebSockets.js/dist/bin'
  const addon = join(root, addons, `uws_${platform}_${arch}_${MODULES_VERSION}.node`)
  // Paths as seen from the folder: the blob has them in it.
  copyFileSync(addon, join(folder, 'addon.node'))
  const config = {
    main: 'main.js',
    output: 'blob',
    disableExperimentalSEAWarning: true,
    useSnapshot: false,
    useCodeCache: false,
    // NODE_OPTIONS is of other programs, and could load any script into this one.
    execArgvExtension: 'none',
    assets: { addon: 'addon.node', thread: 'thread.js' },
  }
  writeFileSync(join(folder, 'sea.json'), JSON.stringify(config))
  const node = run('sh', 'scripts/node22.sh')
  execFileSync(node, ['--experimental-sea-config', 'sea.json'], { cwd: folder, stdio: 'pipe' })
  return join(folder, 'blob')
}
