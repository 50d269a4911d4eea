// Where the log goes must not matter to the server: a full disk, a pipe that nobody reads, a reader
// that is gone. It serves on, and stops cleanly.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { describe, it, type TestContext } from 'node:test'
import { freePort } from '../../scripts/free-port.ts'
import { MAIN } from '../kit/launch.ts'
import { RawSubscriber } from '../kit/subscriber.ts'
import { until } from '../kit/until.ts'

/** Each subscriber is two lines at level debug, so all of them fill a pipe of 64 KiB. */
const CROWDS = 6
const CROWD = 100

interface Output {
  readonly stdout: number | 'pipe' | 'ignore'
  readonly stderr: number | 'pipe'
}

async function start(t: TestContext, { stdout, stderr }: Output): Promise<[ChildProcess, number]> {
  const port = await freePort()
  const args = [MAIN, '--host', '127.0.0.1', '--port', `${port}`, '--threads', '2']
  const child = spawn(process.execPath, [...args, '--log-level', 'debug'], {
    stdio: ['ignore', stdout, stderr],
  })
  t.after(() => child.kill('SIGKILL'))
  const isReady = (): Promise<boolean> =>
    fetch(`http://127.0.0.1:${port}/ready`).then(
      ({ status }) => status === 200,
      () => false,
    )
  await until(async () => child.exitCode !== null || (await isReady()), 'it is ready', 10_000)
  assert.equal(child.exitCode, null)
  return [child, port]
}

/** Lets many come and go, then publishes to one that stays, and stops the server. */
async function assertServes(child: ChildProcess, port: number): Promise<void> {
  const reader = await new RawSubscriber(port).opened()
  for (let crowd = 0; crowd < CROWDS; crowd++) {
    const passers = Array.from({ length: CROWD }, () => new RawSubscriber(port))
    for (const passer of passers) (await passer.opened()).close()
  }
  const answer = await fetch(`http://127.0.0.1:${port}/api/events`, { method: 'POST', body: '{}' })
  assert.equal(answer.status, 200)
  await reader.received(1)
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  assert.deepEqual(await ended, [0, null])
  reader.close()
}

describe('a server', () => {
  it('serves with its log, and the line with its address, on a full disk', async (t) => {
    const full = openSync('/dev/full', 'w')
    t.after(() => closeSync(full))
    await assertServes(...(await start(t, { stdout: full, stderr: full })))
  })

  it('serves with its log in a pipe that nobody reads', async (t) => {
    const [child, port] = await start(t, { stdout: 'ignore', stderr: 'pipe' })
    child.stderr?.pause()
    await assertServes(child, port)
  })

  it('serves with the readers of its log and of its address gone', async (t) => {
    const [child, port] = await start(t, { stdout: 'pipe', stderr: 'pipe' })
    child.stdout?.destroy()
    child.stderr?.destroy()
    await assertServes(child, port)
  })
})
