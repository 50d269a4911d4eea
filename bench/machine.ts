// What a result depends on besides the code: the machine, the versions of what ran, the commit.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, release, totalmem, type } from 'node:os'
import { fileURLToPath } from 'node:url'
import { compilerName } from './floor.ts'
import { nginxWithNchan } from './nchan.ts'
import type { Machine } from './result.ts'

const GIBIBYTE = 1024 ** 3
const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** Of our package's dependencies, those that figures depend on. */
const LIBRARIES = ['uWebSockets.js', 'autocannon', 'hdr-histogram-js']

export function describeMachine(): Machine {
  const cores = cpus()
  return {
    cpu: cores[0]?.model.trim() ?? 'unknown',
    // All cores, not those that this process may use: the runner pins itself to one.
    cores: cores.length,
    memoryGibibytes: Math.round((totalmem() / GIBIBYTE) * 10) / 10,
    kernel: `${type()} ${release()}`,
    node: process.version.slice(1),
  }
}

/** What the command printed, on either output; undefined where it could not be run or failed. */
function outputOf(command: string, args: readonly string[]): string | undefined {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8' })
  return status === 0 ? `${stdout}${stderr}`.trim() : undefined
}

interface Manifest {
  readonly version: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

function ownVersions(): [string, string | undefined][] {
  const manifest = JSON.parse(readFileSync(`${ROOT}/package.json`, 'utf8')) as Manifest
  // Versions are pinned exactly; an alias, npm:uws-pack@20.0.8, tells where the library is from.
  const pinned = { ...manifest.devDependencies, ...manifest.dependencies }
  const libraries = LIBRARIES.map((name): [string, string | undefined] => [
    name,
    pinned[name]?.replace(/^npm:/, ''),
  ])
  return [['carillon', manifest.version], ...libraries]
}

function floorVersions(): [string, string | undefined][] {
  const compiler = compilerName()
  const output = compiler && outputOf(compiler, ['--version'])
  return [['C compiler of the floor', output?.split('\n')[0]]]
}

function nchanVersions(): [string, string | undefined][] {
  const program = nginxWithNchan()
  const nginx = program && outputOf(program, ['-v'])
  const args = ['-W', '-f', '$' + '{Version}', 'libnginx-mod-nchan']
  return [
    ['nginx', nginx?.replace(/^.*nginx\//s, '')],
    ['nchan', outputOf('dpkg-query', args)],
  ]
}

/**
 * Of our server with its libraries and of the peers that we start.
 * @param servers names as in the measurements; of a `--peer` we know no version
 */
export function versionsOf(servers: Iterable<string>): Readonly<Record<string, string>> {
  const names = new Set(servers)
  const found = [
    ...ownVersions(),
    ...(names.has('floor') ? floorVersions() : []),
    ...(names.has('nchan') ? nchanVersions() : []),
  ]
  return Object.fromEntries(found.filter((pair): pair is [string, string] => pair[1] !== undefined))
}

/** The commit that was measured. Results that a run left behind do not make the tree dirty. */
export function describeCommit(): { readonly commit: string; readonly isDirty: boolean } {
  const commit = outputOf('git', ['rev-parse', 'HEAD'])
  if (commit === undefined) return { commit: 'unknown', isDirty: false }
  const changes = outputOf('git', ['status', '--porcelain', '--', '.', ':!bench/results'])
  return { commit, isDirty: changes !== '' }
}
