// The container image, without a daemon: what is in it, and that it serves with a file system that
// cannot be written and a user who may do nothing. test/kit/container.ts plays the runtime.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, it, type TestContext } from 'node:test'
import { freePort } from '../../scripts/free-port.ts'
import { type Container, type Image, runContained, unpackImage } from '../kit/container.ts'
import { Stream } from '../kit/stream.ts'
import { until } from '../kit/until.ts'

/** Node itself is 116 MiB of it. */
const IMAGE_MIB_MAX = 200
const LIMIT_MS = 10_000

const MANIFEST = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

let image: Image
before(async () => {
  image = await unpackImage()
})

function list(folder: string): string[] {
  return readdirSync(join(image.root, folder), { recursive: true, encoding: 'utf8' })
}

interface Running extends Container {
  readonly url: string
  readonly port: string
}

async function start(t: TestContext, args: readonly string[] = []): Promise<Running> {
  const port = `${await freePort()}`
  const container = await runContained(image, [...image.config.Entrypoint, ...args], { PORT: port })
  let hasEnded = false
  void container.ended.then(() => {
    hasEnded = true
  })
  await until(() => container.stdout.length > 0 || hasEnded, 'the address', LIMIT_MS)
  assert.ok(!hasEnded, container.stderr.join('\n'))
  t.after(() => (hasEnded ? undefined : process.kill(container.pid, 'SIGKILL')))
  return { ...container, port, url: `http://127.0.0.1:${port}` }
}

async function checkHealth(port: string): Promise<number | NodeJS.Signals> {
  const [kind, ...command] = image.config.Healthcheck.Test
  assert.equal(kind, 'CMD', 'an image without a shell has to be asked without one')
  return (await runContained(image, command, { PORT: port })).ended
}

describe('the image', () => {
  it('is described by its labels', () => {
    const label = (name: string): string | undefined =>
      image.config.Labels[`org.opencontainers.image.${name}`]
    assert.equal(label('title'), 'Carillon')
    assert.equal(label('version'), MANIFEST.version)
    assert.equal(label('licenses'), MANIFEST.license)
    assert.match(label('revision') ?? '', /^[\da-f]{40}$/)
    assert.ok(Date.parse(label('created') ?? '') > 0)
    assert.notEqual(label('description'), '')
  })

  it('runs as a user by number, who is not root, and is stopped by SIGTERM', () => {
    assert.match(image.config.User, /^[1-9]\d*:[1-9]\d*$/)
    assert.equal(image.config.StopSignal, 'SIGTERM')
  })

  it('has the one addon of its platform', () => {
    const cpu = image.architecture === 'amd64' ? 'x64' : image.architecture
    // 127 is the ABI of Node 22.
    assert.deepEqual(
      list('app/node_modules').filter((path) => path.endsWith('.node')),
      [`uWebSockets.js/dist/bin/uws_linux_${cpu}_127.node`],
    )
  })

  it('has the packages that the server needs and no others', () => {
    const packages = readdirSync(join(image.root, 'app/node_modules'))
    for (const name of Object.keys(MANIFEST.dependencies)) {
      assert.ok(existsSync(join(image.root, 'app/node_modules', name)), name)
    }
    for (const name of Object.keys(MANIFEST.devDependencies)) {
      assert.ok(!existsSync(join(image.root, 'app/node_modules', name)), name)
    }
    assert.ok(!packages.includes('@typescript') && !packages.includes('@napi-rs'))
    const found = readdirSync(join(image.root, 'app')).sort()
    const own = ['LICENSE', 'dist', 'health-check.mjs', 'node_modules', 'package.json']
    assert.deepEqual(found, own)
  })

  it('keeps nothing of the npm configuration that built it', () => {
    assert.deepEqual(readdirSync(join(image.root, 'root')), [])
    assert.ok(!existsSync(join(image.root, 'run/secrets')))
    assert.deepEqual(
      list('app').filter((path) => path.endsWith('npmrc')),
      [],
    )
    assert.doesNotMatch(image.record, /_auth|cafile=|registry=/)
  })

  it('belongs to root: the server cannot change itself', () => {
    for (const path of ['', ...list('app')]) {
      const { uid, mode, isSymbolicLink } = statOf(`app/${path}`)
      assert.equal(uid, 0, path)
      assert.ok(isSymbolicLink || (mode & 0o022) === 0, `${path}: ${mode.toString(8)}`)
    }
  })

  it(`has at most ${IMAGE_MIB_MAX} MiB`, () => {
    const mebibytes = Number.parseInt(
      execFileSync('du', ['-sm', image.root], { encoding: 'utf8' }),
      10,
    )
    assert.ok(mebibytes <= IMAGE_MIB_MAX, `${mebibytes} MiB`)
  })
})

function statOf(path: string): { uid: number; mode: number; isSymbolicLink: boolean } {
  const stat = lstatSync(join(image.root, path))
  return { uid: stat.uid, mode: stat.mode, isSymbolicLink: stat.isSymbolicLink() }
}

describe('a container of the image, read-only', () => {
  it('can write nowhere, and may do nothing as its user', async () => {
    const [node = ''] = image.config.Entrypoint
    const script = `
      for (const folder of ['/', '/app', '/tmp', '/home/nonroot', '/dev']) {
        try { fs.writeFileSync(folder + '/x', ''); console.log(folder, 'written') }
        catch ({ code }) { console.log(folder, code) }
      }
      const of = (name) => RegExp(name + ':\\t(\\\\S+)').exec(status)[1]
      const status = fs.readFileSync('/proc/self/status', 'utf8')
      console.log(process.pid, of('Uid'), of('Gid'), parseInt(of('CapEff'), 16), of('NoNewPrivs'))
      console.log(process.cwd(), Object.keys(process.env).sort().join())
    `
    const probe = await runContained(image, [node, '-e', script])
    assert.equal(await probe.ended, 0, probe.stderr.join('\n'))
    assert.deepEqual(probe.stdout, [
      ...['/ EROFS', '/app EROFS', '/tmp EROFS', '/home/nonroot EROFS', '/dev EROFS'],
      `1 ${image.config.User.replace(':', ' ')} 0 1`,
      '/app PATH,PORT',
    ])
  })

  it('serves health, streams and events as process 1, and exits 0 at SIGTERM', async (t) => {
    const server = await start(t, ['--threads', '2'])
    assert.match(readFileSync(`/proc/${server.pid}/status`, 'utf8'), /^NSpid:\t\d+\t1$/m)

    const health = (await (await fetch(`${server.url}/health`)).json()) as Record<string, unknown>
    assert.deepEqual([health['message'], health['threads']], ['PONG', 2])
    assert.equal((await fetch(`${server.url}/ready`)).status, 200)

    // Enough connections that each of the two shards has some.
    const streams = Array.from(
      { length: 8 },
      () => new Stream(new URL('/events', server.url), LIMIT_MS),
    )
    await Promise.all(streams.map((stream) => stream.opened))
    const response = await fetch(`${server.url}/api/events`, { method: 'POST', body: '{"n":1}' })
    assert.equal(response.status, 200)
    await Promise.all(streams.map((stream) => stream.received(1, LIMIT_MS)))
    for (const { messages } of streams) {
      assert.deepEqual(
        messages.map(({ data }) => data),
        ['{"n":1,"user_ip":"127.0.0.1"}'],
      )
    }

    process.kill(server.pid, image.config.StopSignal)
    assert.equal(await server.ended, 0, server.stderr.join('\n'))
    for (const stream of streams) {
      assert.match(stream.lines().join('\n'), /^retry: \d+$/m, 'told when to come back')
    }
  })

  it('is healthy while it serves, by its own HEALTHCHECK, and not when it has ended', async (t) => {
    const server = await start(t)
    assert.equal(await checkHealth(server.port), 0)
    process.kill(server.pid, image.config.StopSignal)
    assert.equal(await server.ended, 0, server.stderr.join('\n'))
    assert.equal(await checkHealth(server.port), 1)
  })
})
