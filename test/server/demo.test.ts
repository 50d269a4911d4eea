// make demo's script: it serves the sandbox, and leaves nothing behind however it ends.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../scripts/free-port.ts'
import { type Program, startProgram } from '../kit/program.ts'
import { RawSubscriber } from '../kit/subscriber.ts'
import { until } from '../kit/until.ts'

const DEMO = fileURLToPath(new URL('../../scripts/demo.ts', import.meta.url))

function startDemo(t: TestContext, port: number | string = 0): Program {
  // One shard starts sooner than one for each core.
  const settings = [`PORT=${port}`, 'RATE=100', 'CARILLON_THREADS=1']
  const args = [...settings, process.execPath, '--import', 'tsx', DEMO]
  return startProgram(t, 'env', args)
}

async function ready(demo: Program): Promise<void> {
  const isDone = (): boolean => demo.lines.some((line) => line.startsWith('Ctrl-C'))
  await until(() => isDone() || demo.process.exitCode !== null, 'the sandbox runs', 20_000)
  assert.ok(isDone(), demo.errors.join('\n'))
}

/** The demo's parts: process id and command line. */
function partsOf({ process: { pid } }: Program): Map<number, string> {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').match(/\d+/g) ?? []
  return new Map(children.map((child) => [Number(child), commandOf(child)]))
}

/** Empty for one that has ended meanwhile. */
function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

function partNamed(parts: ReadonlyMap<number, string>, name: string): number {
  const found = [...parts].find(([, command]) => command.includes(name))
  assert.ok(found, `${name} in ${[...parts.values()].join()}`)
  return found[0]
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

function assertGone(parts: ReadonlyMap<number, string>): void {
  assert.deepEqual(
    [...parts].filter(([pid]) => isAlive(pid)),
    [],
  )
}

describe('the sandbox', () => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    it(`serves what the feeder publishes, until ${signal}`, async (t) => {
      const demo = startDemo(t)
      await ready(demo)
      const parts = partsOf(demo)
      assert.equal(parts.size, 3)
      const text = demo.lines.join('\n')
      const port = /localhost:(\d+)\/subscribe\/eps/.exec(text)?.[1]
      assert.ok(text.includes(`examples/emojitracker.html?server=http://localhost:${port}`))
      const health = await fetch(`http://127.0.0.1:${port}/health`)
      assert.equal(health.status, 200)
      await health.body?.cancel()
      const scores = await new RawSubscriber(Number(port), '/subscribe/eps').opened()
      await scores.received(10)
      demo.process.kill(signal)
      assert.equal(await demo.ended, 0)
      assertGone(parts)
    })
  }

  for (const name of ['redis-server', 'feeder.ts', 'main.js']) {
    it(`ends with 1, and with all its parts, when ${name} ends`, async (t) => {
      const demo = startDemo(t)
      await ready(demo)
      const parts = partsOf(demo)
      process.kill(partNamed(parts, name), 'SIGKILL')
      assert.equal(await demo.ended, 1)
      const said = demo.errors.filter((line) => line.startsWith('demo:'))
      assert.equal(said.length, 1, said.join('\n'))
      assert.match(said[0] ?? '', /^demo: \S+ has ended: SIGKILL$/)
      assertGone(parts)
    })
  }

  it('ends with 1 where its port is taken', async (t) => {
    const port = await freePort()
    const other = createServer().listen(port)
    t.after(() => other.close())
    const demo = startDemo(t, port)
    assert.equal(await demo.ended, 1)
    assert.ok(demo.errors.includes('demo: server has ended: code 1'), demo.errors.join('\n'))
    assert.deepEqual(demo.lines, [])
  })

  it('can be stopped while it starts', async (t) => {
    const demo = startDemo(t)
    let parts = partsOf(demo)
    // Not just any child: what compiles the script is one, too, and ends by itself.
    await until(() => {
      parts = partsOf(demo)
      return [...parts.values()].some((command) => command.includes('redis-server'))
    }, 'its first part has begun')
    demo.process.kill('SIGTERM')
    assert.equal(await demo.ended, 0)
    assertGone(parts)
  })
})
