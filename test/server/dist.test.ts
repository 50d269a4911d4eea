// The single-file executable does what the built command does, with nothing of ours beside it, on
// systems that give it little: no home, a home that cannot be written, no place for programs.
// EXECUTABLE is another command to hold against it, such as one for arm64, behind qemu-aarch64.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { version } from '../../src/ops/version.ts'
import { temporaryFolder } from '../kit/folder.ts'
import { killAll, launch, launchServer, MAIN, type Server } from '../kit/launch.ts'
import { PostConnection } from '../kit/publisher.ts'
import { post } from '../kit/raw.ts'
import { redisClient, startRedis } from '../kit/redis.ts'
import { RawSubscriber } from '../kit/subscriber.ts'
import { until } from '../kit/until.ts'

// A test that fails leaves its server behind; it must not outlive the test process.
after(killAll)

/** Behind qemu, everything takes about ten times as long. */
const SLOW_MS = 120_000
const SHARDS = 2

const arch = process.arch === 'arm64' ? 'arm64' : 'amd64'
const own = fileURLToPath(new URL(`../../dist/carillon-linux-${arch}`, import.meta.url))
const command = process.env['EXECUTABLE']?.split(' ') ?? [own]
const loopback = ['--host', '127.0.0.1', '--port', '0', '--threads', `${SHARDS}`]

const isRoot = process.getuid?.() === 0
const user = isRoot ? 12_345 : process.getuid?.()
/** What is mounted here is seen by the program alone. */
const unshare = ['unshare', '--mount', ...(isRoot ? [] : ['--map-root-user'])]

/** Mounts an empty file system over each folder, with these options, and becomes the program. */
function mounted(options: string, folders: readonly string[], argv: readonly string[]): string[] {
  const mounts = folders.map((folder) => `mount -t tmpfs -o ${options} none '${folder}' && `)
  return [...unshare, 'sh', '-c', `${mounts.join('')}exec "$@"`, 'sh', ...argv]
}

function start(args: readonly string[] = [], env: Record<string, string> = {}): Promise<Server> {
  return launch([...command, ...loopback, ...args], env)
}

/** Runs it to its end. */
async function run(
  [program, ...argv]: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(program as string, argv, { env: { ...process.env, ...env } })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => {
    output.stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    output.stderr += chunk
  })
  const [code] = await once(child, 'close')
  return { code, ...output }
}

async function publish(server: Server, path: string, body: string): Promise<void> {
  assert.equal((await fetch(server.url + path, { method: 'POST', body })).status, 200)
}

/** It listens, takes an event, sends it, and ends as it should. */
async function assertServes(server: Server): Promise<void> {
  const subscriber = await new RawSubscriber(server.port, '/subscribe/a').opened()
  await publish(server, '/publish/a', 'an event')
  await subscriber.received(1, SLOW_MS)
  assert.deepEqual(subscriber.events, ['an event'])
  assert.equal(await server.stop(), 0)
  assert.match(subscriber.text, /\nretry: \d+\n\n/)
}

/** The one file in the folder is the addon, for the user alone. */
function assertHoldsAddon(folder: string): void {
  const names = readdirSync(folder)
  assert.equal(names.length, 1, names.join(' '))
  assert.match(names[0] as string, /^[0-9a-f]{64}\.node$/)
  assert.equal(statSync(folder).mode & 0o777, 0o700)
  assert.equal(statSync(join(folder, names[0] as string)).mode & 0o777, 0o500)
}

describe('the executable', () => {
  before(() => assert.ok(statSync(command.at(-1) as string).isFile(), 'make dist makes it'))

  it('prints version and help', async () => {
    const ran = await run([...command, '--version'])
    assert.deepEqual(ran, { code: 0, stdout: `${version}\n`, stderr: '' })
    const { stdout } = await run([...command, '--help'])
    const help = await run([process.execPath, MAIN, '--help'])
    assert.equal(stdout, help.stdout)
  })

  it('ends with 2 and one line for options that cannot be used', async () => {
    const { code, stderr } = await run([...command, '--threads', '0'])
    assert.equal(code, 2)
    assert.match(stderr, /^carillon: --threads: 0 [^\n]+\n$/)
  })

  it('sends events, in one order, to the subscribers of all its shards, and ends with 0', async () => {
    const server = await start()
    const subscribers: RawSubscriber[] = []
    const shards = async (): Promise<number> => {
      const response = await fetch(`${server.url}/admin/status.json`)
      const { connections } = (await response.json()) as { connections: { shard: number }[] }
      return new Set(connections.map(({ shard }) => shard)).size
    }
    // The system assigns connections: some more, until each shard has one.
    while ((await shards()) < SHARDS) {
      subscribers.push(await new RawSubscriber(server.port).opened())
      assert.ok(subscribers.length < 100)
    }
    const events = Array.from({ length: 50 }, (_, n) => `{"n":${n},"user_ip":"127.0.0.1"}`)
    // One connection: events of several may stand either way.
    const connection = await PostConnection.open(server.port)
    for (const event of events) {
      assert.match((await connection?.ask(post('/api/events', event))) ?? '', /^HTTP\/1.1 200 /)
    }
    connection?.close()
    for (const subscriber of subscribers) {
      await subscriber.received(events.length, SLOW_MS)
      assert.deepEqual(subscriber.events, events)
    }
    assert.equal((await fetch(`${server.url}/ready`)).status, 200)
    assert.equal((await fetch(`${server.url}/nothing`)).status, 404)
    // It has no files: pages are within it.
    for (const path of ['/', '/docs/options', '/admin/', '/admin/admin.js', '/admin/page.css']) {
      assert.ok((await (await fetch(server.url + path)).text()).length > 1000, path)
    }
    assert.equal(await server.stop(), 0)
    await until(() => subscribers.every(({ isClosed }) => isClosed), 'the streams are closed')
    for (const { text } of subscribers) assert.match(text, /\nretry: \d+\n\n/)
    for (const line of server.log) assert.ok(JSON.parse(line).level < 40, line)
  })

  it('has the events of Redis', async () => {
    const redis = await startRedis()
    const server = await start(['--preset', 'emojitracker'], { REDIS_URL: redis.url })
    const scores = await new RawSubscriber(server.port, '/subscribe/raw').opened()
    const packed = await new RawSubscriber(server.port, '/subscribe/eps').opened()
    const client = await redisClient(redis.url)
    await client.publish('stream.score_updates', '2665')
    await scores.received(1, SLOW_MS)
    await packed.received(1, SLOW_MS)
    assert.deepEqual(scores.events, ['2665'])
    assert.deepEqual(packed.events, ['{"2665":1}'])
    assert.equal(await server.stop(), 0)
    await redis.stop()
  })

  it('takes no NODE_OPTIONS, which would load any script into it', async () => {
    const env = { NODE_OPTIONS: '--require /nowhere/script.cjs' }
    await assert.rejects(launchServer(MAIN, loopback, { env }), /nowhere/)
    await assertServes(await start([], env))
  })
})

describe('its addon', () => {
  it('goes into .cache/carillon at home', async () => {
    const home = temporaryFolder()
    const server = await start([], { HOME: home })
    assertHoldsAddon(join(home, '.cache/carillon'))
    await assertServes(server)
  })

  it('is one file for all that start at the same moment', async () => {
    const folder = join(temporaryFolder(), 'addon')
    const starts = [1, 2, 3].map(() => start(['--addon-folder', folder]))
    for (const server of await Promise.all(starts)) await assertServes(server)
    assertHoldsAddon(folder)
  })

  it('goes among temporary files where the home cannot be written', async () => {
    const [home, temporary] = [temporaryFolder(), temporaryFolder()]
    const argv = mounted('ro', [home], [...command, ...loopback])
    const server = await launch(argv, { HOME: home, TMPDIR: temporary })
    assertHoldsAddon(join(temporary, `carillon-${isRoot ? 0 : user}`))
    await assertServes(server)
  })

  it('goes among temporary files where the user has no home', async () => {
    const temporary = temporaryFolder()
    chmodSync(temporary, 0o1777)
    // Others may not reach the folder of the build.
    const executable = join(temporary, 'carillon')
    copyFileSync(command.at(-1) as string, executable)
    const drop = isRoot ? ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups'] : []
    const argv = ['env', '-u', 'HOME', ...drop, ...command.slice(0, -1), executable, ...loopback]
    // Whoever is not root has a home all the same, unless HOME says otherwise.
    const env = { TMPDIR: temporary, ...(isRoot ? {} : { HOME: '' }) }
    const server = await launch(isRoot ? argv : argv.slice(3), env)
    assertHoldsAddon(join(temporary, `carillon-${user}`))
    await assertServes(server)
  })

  it('is told of with all folders that do not take it, and the option that names one', async () => {
    const [home, temporary, own] = [temporaryFolder(), temporaryFolder(), temporaryFolder()]
    const env = { HOME: home, TMPDIR: temporary }
    const noexec = (...args: string[]): string[] =>
      mounted('noexec', [home, temporary], [...command, ...loopback, ...args])
    const { code, stdout, stderr } = await run(noexec(), env)
    assert.equal(code, 1)
    assert.equal(stdout, '')
    assert.match(stderr, /^carillon: no folder for the addon [^\n]+--addon-folder[^\n]+\n$/)
    assert.equal(stderr.match(/may not be run \(noexec\?\)/g)?.length, 2)
    assert.ok(stderr.includes(home) && stderr.includes(temporary))
    const folder = join(own, 'addon')
    await assertServes(await launch(noexec('--addon-folder', folder), env))
    assertHoldsAddon(folder)
  })

  it('goes nowhere else than where the option says', async () => {
    const home = temporaryFolder()
    const shared = join(temporaryFolder(), 'shared')
    mkdirSync(shared)
    chmodSync(shared, 0o777)
    const argv = [...command, ...loopback]
    const env = { HOME: home, CARILLON_ADDON_FOLDER: shared }
    const { code, stderr } = await run(argv, env)
    assert.equal(code, 1)
    assert.match(stderr, /^carillon: [^\n]+others may write to it[^\n]+\n$/)
    assert.deepEqual([...readdirSync(home), ...readdirSync(shared)], [])
  })
})
