// What npm would publish: its files, that it installs into an empty project and runs there, that its
// types resolve, and that its API docs can be made.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { publint } from 'publint'
import { temporaryFolder } from '../kit/folder.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)
const npm = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']

/** Uses what a program would, with types; it must compile, and run without them. */
const PROGRAM = `
import { carillon, CarillonError, type Dispatcher, type Stats, version } from 'carillon'

const dispatcher: Dispatcher = await carillon({ host: '127.0.0.1', port: 0, threads: 1, logLevel: 'silent' })
const isTaken: boolean = dispatcher.publish({ topic: '/a', event: 'b', data: 'c' })
const stats: Stats = dispatcher.stats()
// @ts-expect-error: no such option
await carillon({ lagBytes: 1 }).catch((error: unknown) => {
  if (error instanceof CarillonError) console.log(error.code)
})
console.log(version, isTaken, stats.ready)
await dispatcher.close()
`

describe('the package', () => {
  const folder = temporaryFolder()
  let archive = ''
  let files: string[] = []

  before(async () => {
    const args = ['pack', '--json', '--pack-destination', folder, ...npm]
    const { stdout } = await run('npm', args, { cwd: root })
    const [packed] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }]
    archive = join(folder, packed.filename)
    files = packed.files.map(({ path }) => path)
  })

  it('has what was compiled, the licence, and what a reader needs; nothing else', () => {
    const other = files.filter((path) => !/^dist\/[a-z/-]+\.(js|d\.ts)$/.test(path))
    const expected = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']
    assert.deepEqual(other.toSorted(), expected)
    for (const path of ['dist/main.js', 'dist/index.js', 'dist/index.d.ts', 'dist/thread.js']) {
      assert.ok(files.includes(path), path)
    }
  })

  it('is one that bundlers and Node can use, says publint', async () => {
    const { messages } = await publint({ pkgDir: root, strict: true })
    assert.deepEqual(messages, [])
  })

  it('has types that resolve wherever an ESM package does, says attw', async () => {
    const args = ['exec', '--yes', '--package=@arethetypeswrong/cli@0.18.5', '--', 'attw', archive]
    await run('npm', [...args, '--profile', 'esm-only'], { cwd: folder })
  })

  it('installs into an empty project, where its types hold, it runs, and so does its command', async () => {
    const project = temporaryFolder()
    writeFileSync(join(project, 'package.json'), '{"type":"module","private":true}')
    const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      devDependencies: Record<string, string>
    }
    const tools = ['typescript', '@types/node'].map((name) => `${name}@${devDependencies[name]}`)
    await run('npm', ['install', archive, ...tools, ...npm], { cwd: project })
    writeFileSync(join(project, 'program.ts'), PROGRAM)
    const compiler = join(project, 'node_modules/.bin/tsc')
    const strict = ['--strict', '--target', 'es2023', '--module', 'nodenext', '--types', 'node']
    await run(compiler, [...strict, 'program.ts'], { cwd: project })
    const program = await run(process.execPath, ['program.js'], { cwd: project })
    assert.match(program.stdout, /^unknown_option\n\d+\.\d+\.\d+\S* true true\n$/)
    const command = join(project, 'node_modules/.bin/carillon')
    const { stdout } = await run(command, ['--version'], { cwd: project })
    assert.match(stdout, /^\d+\.\d+\.\d+\S*\n$/)
  })

  it('has docstrings that make API docs, of which nothing is missing', async () => {
    const out = join(temporaryFolder(), 'api')
    await run('sh', [join(root, 'scripts/api-docs.sh'), out], { cwd: root })
    const page = readFileSync(join(out, 'interfaces/Dispatcher.html'), 'utf8')
    assert.match(page, /publish/)
  })
})
