// Where the addon of a single-file executable is loaded from: a file, because the system loads no
// addon from memory. Main thread, before the first shard, for a clear error; and each shard's
// thread, because a folder of temporary files may have been tidied up since.
import { createHash, randomBytes } from 'node:crypto'
import {
  accessSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  writeFileSync,
} from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { getAsset, isSea } from 'node:sea'
import type { Config } from '../config/option.ts'
import { CarillonError, messageOf } from '../error.ts'

/** The name of the addon among what the executable carries. */
const ASSET = 'addon'

export interface PlacedAddon {
  readonly folder: string
  readonly path: string
}

/**
 * Puts the executable's addon into the first of the folders that takes it.
 * @returns undefined in a program that is no single-file executable: its packages have the addon
 * @throws CarillonError that says of each folder why it cannot be used
 */
export function placeAddon(folders: readonly string[]): PlacedAddon | undefined {
  return isSea() ? placeFile(new Uint8Array(getAsset(ASSET)), folders) : undefined
}

/** The folder that is named and no other; else one of the user's caches, or of temporary files. */
export function addonFolders({ addonFolder }: Config): string[] {
  if (addonFolder !== 'auto') return [resolve(addonFolder)]
  const user = process.getuid?.() ?? 0
  const temporary = join(tmpdir(), `carillon-${user}`)
  const home = homeFolder()
  // Without HOME, or with an empty one, a path below it would be one below the working directory.
  return isAbsolute(home) ? [join(home, '.cache', 'carillon'), temporary] : [temporary]
}

/** Empty for a user whom the system does not know. */
function homeFolder(): string {
  try {
    return homedir()
  } catch {
    return ''
  }
}

/** Puts bytes into a file of the first folder that takes them, under their sum as its name. */
export function placeFile(bytes: Uint8Array, folders: readonly string[]): PlacedAddon {
  const refusals: string[] = []
  for (const folder of folders) {
    try {
      return { folder, path: placeIn(folder, bytes) }
    } catch (error) {
      refusals.push(`${folder}: ${messageOf(error)}`)
    }
  }
  const hint = '--addon-folder names one that is yours alone and may hold programs'
  throw new CarillonError(
    'no_addon_folder',
    `no folder for the addon (${refusals.join('; ')}); ${hint}`,
  )
}

function placeIn(folder: string, bytes: Uint8Array): string {
  makeFolder(folder)
  mustBeOwn(folder)
  const name = `${createHash('sha256').update(bytes).digest('hex')}.node`
  const path = join(folder, name)
  if (!hasBytes(path, bytes)) write(path, bytes)
  try {
    // Linux refuses this where the file system is mounted noexec, to root as well.
    accessSync(path, constants.X_OK)
  } catch (cause) {
    throw new Error('programs in it may not be run (noexec?)', { cause })
  }
  return path
}

/** Of Node's own, `recursive` never ends below /proc, and where else a folder cannot be (20, 22). */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return
  if (dirname(folder) !== folder) makeFolder(dirname(folder))
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    // Another start was first.
    if (!existsSync(folder)) throw error
  }
}

/** Whoever else could write there could have us load anything. */
function mustBeOwn(folder: string): void {
  const stats = lstatSync(folder)
  if (!stats.isDirectory()) throw new Error('not a folder')
  if (isOthers(stats)) throw new Error(`belongs to user ${stats.uid}`)
  if (isOpen(stats)) throw new Error('others may write to it')
}

function isOthers({ uid }: Stats): boolean {
  return process.getuid !== undefined && uid !== process.getuid() && uid !== 0
}

function isOpen({ mode }: Stats): boolean {
  return (mode & 0o022) !== 0
}

/** A start that was cut off, or a disk with a fault, may have left anything under the name. */
function hasBytes(path: string, bytes: Uint8Array): boolean {
  try {
    const stats = lstatSync(path)
    const isSafe = stats.isFile() && !isOthers(stats) && !isOpen(stats)
    return isSafe && readFileSync(path).equals(bytes)
  } catch {
    return false
  }
}

/** As a whole or not at all: others that start at this moment write the same, or load it. */
function write(path: string, bytes: Uint8Array): void {
  const own = `${path}.${randomBytes(8).toString('hex')}`
  try {
    writeFileSync(own, bytes, { flag: 'wx', mode: 0o500 })
    renameSync(own, path)
  } catch (error) {
    rmSync(own, { force: true })
    throw error
  }
}
