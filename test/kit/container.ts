// Runs programs in the file system of the project's own image, as a container runtime would, by what
// the image's configuration says: its user, environment, folder and command. All of it is read-only.
// Each has mount and process namespaces of its own, and is process 1 there; it shares the network.
import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { until } from './until.ts'

const BUILD = fileURLToPath(new URL('../../scripts/image-unpacked.sh', import.meta.url))

/** What `docker inspect` calls the configuration. */
export interface ImageConfig {
  readonly User: string
  readonly Env: readonly string[]
  readonly WorkingDir: string
  readonly Entrypoint: readonly string[]
  readonly StopSignal: NodeJS.Signals
  readonly Labels: Readonly<Record<string, string>>
  readonly Healthcheck: { readonly Test: readonly string[] }
}

export interface Image {
  /** The folder with its file system. */
  readonly root: string
  /** As the image's index names it: amd64, arm64. */
  readonly architecture: string
  readonly config: ImageConfig
  /** All that the builder recorded, as JSON: layers' commands, too. */
  readonly record: string
}

/** Builds the image with buildah, or takes what it built of the same sources before. */
export async function unpackImage(): Promise<Image> {
  const { stdout } = await promisify(execFile)('sh', [BUILD])
  const record = readFileSync(join(stdout.trim(), 'image.json'), 'utf8')
  const { architecture, config } = JSON.parse(record).Docker
  return { root: join(stdout.trim(), 'rootfs'), architecture, config, record }
}

/** /proc, and of /dev what every runtime gives; then the program, by itself: there is no shell. */
const ENTER = `
set -e
root=$1
shift
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t tmpfs -o size=64k,mode=755 dev "$root/dev"
for device in null zero full random urandom; do
  : >"$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mount -o remount,ro "$root/dev"
mount -t proc proc "$root/proc"
exec "$@"
`

export interface Container {
  /** Of the program, as this side sees it. */
  readonly pid: number
  readonly stdout: string[]
  readonly stderr: string[]
  /** Resolves when the program has ended: its code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>
}

const running = new Set<ChildProcess>()
// A test that fails leaves its program behind; it must not outlive the test process.
function killAll(): void {
  for (const child of running) child.kill('SIGKILL')
}
after(killAll)
process.on('exit', killAll)
// The runner's time limit for a file.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(1))

/**
 * Starts a program of the image.
 * @param env beside what the image sets, as by `docker run --env`
 */
export async function runContained(
  { root, config }: Image,
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Container> {
  const [user, group] = config.User.split(':')
  assert.ok(user !== undefined && group !== undefined, `user and group: ${config.User}`)
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  const child = spawn('unshare', [
    ...['--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', ENTER, 'enter', root],
    ...['env', '-i', ...config.Env, ...variables, 'setpriv', '--no-new-privs'],
    ...['unshare', '--root', root, '--wd', config.WorkingDir, '--setgid', group, '--setuid', user],
    ...command,
  ])
  running.add(child)
  const stdout: string[] = []
  const stderr: string[] = []
  createInterface(child.stdout).on('line', (line) => stdout.push(line))
  createInterface(child.stderr).on('line', (line) => stderr.push(line))
  let hasEnded = false
  const ended = once(child, 'close').then(([code, signal]) => {
    hasEnded = true
    running.delete(child)
    return code ?? signal
  })
  let pid = 0
  const isThere = (): boolean => {
    pid = hasEnded ? 0 : childOf(child.pid as number)
    return hasEnded || pid > 0
  }
  await until(isThere, 'the program has a process')
  return { pid, stdout, stderr, ended }
}

/** The process that unshare forked; 0 while there is none. */
function childOf(pid: number): number {
  try {
    return Number.parseInt(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8'), 10) || 0
  } catch {
    return 0
  }
}
