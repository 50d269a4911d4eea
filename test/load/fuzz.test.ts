// Malformed, cut and smuggling requests against the real server: none ends it, makes it hang, disturbs a
// good one, or carries out what hides in a body. make fuzz sends 100,000.
import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { usageOf } from '../../bench/usage.ts'
import { fuzz } from '../fuzz/run.ts'
import { startServer } from '../kit/server.ts'
import { until } from '../kit/until.ts'

const SEED = 1
const CASES = 4_000
const MIB = 1024 * 1024

describe('4,000 requests that no good client sends', () => {
  it('are each answered or closed, and disturb nobody', async (t) => {
    const server = await startServer(['--threads', '2'])
    t.after(() => server.stop())
    const pid = server.process.pid
    const filesBefore = await openFiles(pid)
    const numbers = Array.from({ length: CASES }, (_, number) => number)
    const isAlive = (): boolean => server.process.exitCode === null
    const figures = await fuzz({ port: server.port, isAlive }, SEED, numbers)
    assert.equal(figures.cases, CASES)
    // Each kind of answer came: the shapes are neither all good nor all bad.
    for (const status of [0, 200, 400, 431, 505]) {
      assert.ok((figures.statuses.get(status) ?? 0) > 0, `no answer ${status}`)
    }
    const resident = (usageOf(pid)?.residentBytes ?? 0) / MIB
    assert.ok(resident < 300, `${resident} MiB`)
    await until(async () => (await openFiles(pid)) <= filesBefore + 4, 'files come back')
    assert.equal(await server.stop(), 0)
    const isBad = (line: string): boolean => !line.startsWith('{') || JSON.parse(line).level >= 50
    assert.deepEqual(server.log.filter(isBad), [])
    t.diagnostic(`${figures.events} events; slowest ${Math.round(figures.slowestMs)} ms`)
  })
})

async function openFiles(pid: number | undefined): Promise<number> {
  return (await readdir(`/proc/${pid}/fd`)).length
}
