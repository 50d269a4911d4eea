// The floor: compiles bench/floor.c into .cache/ where a C compiler is there, and starts it.
import { spawnSync } from 'node:child_process'
import { mkdirSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { isInstalled, launch, note } from './launch.ts'
import type { Peer } from './peer.ts'

const SOURCE = fileURLToPath(new URL('floor.c', import.meta.url))
const FOLDER = fileURLToPath(new URL('../.cache', import.meta.url))
const PROGRAM = `${FOLDER}/floor`
const FLAGS = ['-std=gnu11', '-O2', '-Wall', '-Wextra', '-Werror']

/** The C compiler of this machine; undefined where there is none. */
export function compilerName(): string | undefined {
  return ['cc', 'gcc', 'clang'].find((name) => isInstalled(name))
}

function isFresh(): boolean {
  const built = statSync(PROGRAM, { throwIfNoEntry: false })
  return built !== undefined && built.mtimeMs > statSync(SOURCE).mtimeMs
}

function compile(compiler: string): void {
  if (isFresh()) return
  mkdirSync(FOLDER, { recursive: true })
  const args = [...FLAGS, '-o', PROGRAM, SOURCE]
  const { status, stderr } = spawnSync(compiler, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${compiler} cannot compile bench/floor.c: ${stderr}`)
}

/** Undefined, with a note, where the machine cannot have one. */
export async function startFloor(): Promise<Peer | undefined> {
  if (process.platform !== 'linux') {
    note('no floor: bench/floor.c needs Linux (epoll)')
    return undefined
  }
  const compiler = compilerName()
  if (compiler === undefined) {
    note('no floor: no C compiler (cc, gcc or clang); on Debian: gcc and libc6-dev')
    return undefined
  }
  compile(compiler)
  const floor = launch(PROGRAM, ['0'])
  const line = await floor.firstLine
  const url = /http:\/\/\S+/.exec(line)?.[0]
  if (url === undefined) throw new Error(`no address in the floor's first line: ${line}`)
  return {
    name: 'floor',
    subscribeUrl: `${url}/events`,
    publishUrl: `${url}/api/events`,
    pid: floor.pid,
    stop: floor.stop,
  }
}
