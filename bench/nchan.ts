// nginx with nchan as a peer: Debian's packages, installed where they are missing, on a free port and
// with a folder of its own. One worker process does all the work; its figures count.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../scripts/free-port.ts'
import { isInstalled, type Launched, launch, note } from './launch.ts'
import type { Peer } from './peer.ts'

const TEMPLATE = fileURLToPath(new URL('nchan.conf', import.meta.url))
const INSTALLER = fileURLToPath(new URL('../scripts/install-test-programs.sh', import.meta.url))
/** Where Debian's libnginx-mod-nchan puts it. */
const MODULE = '/usr/lib/nginx/modules/ngx_nchan_module.so'
/** Debian keeps it out of the PATH of users other than root. */
const PROGRAMS = ['nginx', '/usr/sbin/nginx']
const START_MS_MAX = 5_000

/** The command of an nginx that can load nchan; undefined where one of the two is missing. */
export function nginxWithNchan(): string | undefined {
  return existsSync(MODULE) ? PROGRAMS.find((program) => isInstalled(program, '-v')) : undefined
}

function install(): string | undefined {
  const args = [INSTALLER, 'nginx', 'libnginx-mod-nchan']
  // Standard output is the benchmark's table.
  spawnSync('sh', args, { stdio: ['ignore', 2, 2] })
  return nginxWithNchan()
}

function configuration(port: number): string {
  const template = readFileSync(TEMPLATE, 'utf8')
  return template.replaceAll('PORT', `${port}`).replaceAll('MODULE', MODULE)
}

/** The one worker; 0 as long as the master has not started it. */
function workerOf(master: number): number {
  return Number.parseInt(readFileSync(`/proc/${master}/task/${master}/children`, 'utf8'), 10) || 0
}

async function answers(url: string): Promise<boolean> {
  try {
    // A GET asks for the channel's figures: 404 as long as nothing was published.
    const { status } = await fetch(url)
    return status === 200 || status === 404
  } catch {
    return false
  }
}

async function workerThatServes(nginx: Launched, url: string): Promise<number> {
  let end: string | undefined
  void nginx.ended.then((how) => {
    end = how
  })
  for (const deadline = Date.now() + START_MS_MAX; Date.now() < deadline; await sleep(20)) {
    // It has no first line: this rejects, with what nginx said, when it has ended.
    if (end !== undefined) await nginx.firstLine
    const worker = workerOf(nginx.pid)
    if (worker !== 0 && (await answers(url))) return worker
  }
  throw new Error(`nginx does not serve within ${START_MS_MAX} ms`)
}

/** Undefined, with a note, where it can be neither found nor installed. */
export async function startNchan(): Promise<Peer | undefined> {
  const program = nginxWithNchan() ?? install()
  if (program === undefined) {
    note('no nchan: it needs nginx and the module of the Debian package libnginx-mod-nchan')
    return undefined
  }
  const folder = mkdtempSync(join(tmpdir(), 'carillon-nchan-'))
  const removeFolder = (): void => rmSync(folder, { recursive: true, force: true })
  process.on('exit', removeFolder)
  const port = await freePort()
  writeFileSync(join(folder, 'nginx.conf'), configuration(port))
  const nginx = launch(program, ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr'])
  const publishUrl = `http://127.0.0.1:${port}/api/events`
  const stop = async (): Promise<void> => {
    await nginx.stop()
    removeFolder()
    process.off('exit', removeFolder)
  }
  try {
    const pid = await workerThatServes(nginx, publishUrl)
    return { name: 'nchan', subscribeUrl: `http://127.0.0.1:${port}/events`, publishUrl, pid, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
