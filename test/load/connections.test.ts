// The limit of connections: what comes above it is refused, nothing that is there is disturbed, and the
// limit of open files is never reached.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import fc from 'fast-check'
import { CONNECTIONS_SPARE, connectionsOf } from '../../src/config/open-files.ts'
import { resolveConfig } from '../../src/config/parse.ts'
import { CarillonError } from '../../src/error.ts'
import { Census } from '../../src/shard/census.ts'
import { launchServer, MAIN } from '../kit/launch.ts'
import { exchange } from '../kit/raw.ts'
import { runCommand, type Server, startServer } from '../kit/server.ts'
import { RawSubscriber } from '../kit/subscriber.ts'
import { until } from '../kit/until.ts'

const LIMIT = 20
/** Node's own clock tick of /proc/PID/stat. */
const TICKS_PER_SECOND = 100

async function start(t: TestContext, ...args: string[]): Promise<Server> {
  const server = await startServer(args)
  t.after(() => server.stop())
  return server
}

interface Counts {
  readonly connections_open: number
  readonly streams_refused: number
  readonly connections_closed_unanswered: number
}

async function countsOf(server: Server): Promise<Counts> {
  return (await (await fetch(`${server.url}/admin/status.json`)).json()) as Counts
}

function streams(server: Server, count: number): Promise<RawSubscriber[]> {
  const all = Array.from({ length: count }, () => new RawSubscriber(server.port))
  return Promise.all(all.map((reader) => reader.opened()))
}

async function publish(server: Server): Promise<void> {
  const answer = await fetch(`${server.url}/api/events`, {
    method: 'POST',
    body: '{}',
    headers: { Connection: 'close' },
  })
  assert.equal(answer.status, 200)
  await answer.text()
}

const GET = 'GET /events HTTP/1.1\r\nHost: test\r\n\r\n'
const HEALTH = 'GET /health HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n'

for (const threads of [1, 2]) {
  describe(`at connectionsMax, with ${threads} threads`, () => {
    it('the last stream is served, the one over it gets 503, and POSTs go on', async (t) => {
      const args = ['--threads', `${threads}`, '--connections-max', `${LIMIT}`]
      const server = await start(t, ...args)
      const readers: RawSubscriber[] = []
      // One by one: what shards have not told each other yet must not matter at this pace.
      while (readers.length < LIMIT) readers.push(...(await streams(server, 1)))
      const refused = await exchange(server.port, [GET])
      assert.match(refused, /^HTTP\/1.1 503 Service Unavailable\r\n/)
      assert.match(refused, /\r\nRetry-After: 1\r\n/)
      assert.match(refused, /\r\nConnection: close\r\n/)
      assert.match(refused, /"code":"too_many_connections"/)
      await publish(server)
      await Promise.all(readers.map((reader) => reader.received(1)))
      readers.pop()?.close()
      // The status is a connection, too: with it and one less there is none to spare.
      readers.pop()?.close()
      await until(async () => {
        const answer = await exchange(server.port, [GET])
        return answer.startsWith('HTTP/1.1 200')
      }, 'a place that is left is given to the next')
      const isTold = async (): Promise<boolean> => (await countsOf(server)).streams_refused > 0
      await until(isTold, 'the status counts it')
      for (const reader of readers) reader.close()
    })
  })
}

describe('far above connectionsMax', () => {
  it('connections are closed unanswered, and those that are there go on', async (t) => {
    const server = await start(t, '--threads', '2', '--connections-max', `${LIMIT}`)
    const readers = await streams(server, LIMIT)
    const idle: Socket[] = []
    let closed = 0
    const openOne = (): void => {
      const socket = connect(server.port, '127.0.0.1')
      socket.on('error', () => {})
      // Else it would not notice an end.
      socket.resume()
      socket.on('close', () => closed++)
      idle.push(socket)
    }
    while (idle.length < CONNECTIONS_SPARE) openOne()
    // Shards hear of each other's connections a moment later, and let some in meanwhile.
    const isMuchClosed = (): boolean => {
      openOne()
      return closed >= 40
    }
    await until(isMuchClosed, 'what is too much is closed')
    for (const socket of idle.splice(0, 30)) socket.destroy()
    const isServed = async (): Promise<boolean> => {
      const answer = await exchange(server.port, [HEALTH])
      return answer.startsWith('HTTP/1.1 200')
    }
    await until(isServed, 'there is room again')
    await publish(server)
    await Promise.all(readers.map((reader) => reader.received(1)))
    for (const socket of idle) socket.destroy()
    const isTold = async (): Promise<boolean> =>
      (await countsOf(server)).connections_closed_unanswered >= 40
    await until(isTold, 'the status counts them')
    for (const reader of readers) reader.close()
  })

  it('a small limit of open files is never reached: nothing spins, nobody is disturbed', async (t) => {
    const wrapper = ['prlimit', '--nofile=256']
    const args = ['--host', '127.0.0.1', '--port', '0', '--threads', '2']
    const server = await launchServer(MAIN, args, { wrapper })
    t.after(() => server.stop())
    const pid = server.process.pid as number
    const readers = await streams(server, 40)
    const flood = Array.from({ length: 400 }, () => {
      const socket = connect(server.port, '127.0.0.1')
      socket.on('error', () => {})
      // Else it would not notice an end.
      socket.resume()
      return socket
    })
    await until(
      () => flood.filter(({ destroyed }) => destroyed).length > 200,
      'most are closed',
      30_000,
    )
    const files = readdirSync(`/proc/${pid}/fd`).length
    assert.ok(files < 256, `${files} open files`)
    const ticks = (): number => {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
      return Number(fields[11]) + Number(fields[12])
    }
    let [at, used] = [performance.now(), ticks()]
    const isAtRest = (): boolean => {
      const seconds = (performance.now() - at) / 1000
      if (seconds < 0.5) return false
      const cores = (ticks() - used) / TICKS_PER_SECOND / seconds
      ;[at, used] = [performance.now(), ticks()]
      return cores < 0.1
    }
    await until(isAtRest, 'it comes to rest, as it would not if it spun', 30_000)
    for (const socket of flood) socket.destroy()
    await publish(server)
    await Promise.all(readers.map((reader) => reader.received(1)))
    const next = await streams(server, 10)
    for (const reader of [...readers, ...next]) reader.close()
    assert.deepEqual(
      server.log.filter((line) => line.includes('"level":50')),
      [],
    )
  })
})

describe('the limit of open files', () => {
  const config = (connectionsMax: number): Parameters<typeof connectionsOf>[0] =>
    resolveConfig({ threads: 2, listenSockets: 32, connectionsMax })
  const OWN = 48 + 2 * (32 + 8) + CONNECTIONS_SPARE

  it('is the default, less what the process needs itself', () => {
    assert.equal(connectionsOf(config(0), 20_000), 20_000 - OWN)
    assert.equal(connectionsOf(config(0), Number.POSITIVE_INFINITY), 1_000_000)
    assert.equal(connectionsOf(config(0), OWN + 1), 1)
  })

  it('takes what just fits, and refuses one more with both numbers', () => {
    assert.equal(connectionsOf(config(100), OWN + 100), 100)
    assert.throws(
      () => connectionsOf(config(101), OWN + 100),
      (error: CarillonError) => {
        assert.ok(error instanceof CarillonError)
        assert.match(error.message, new RegExp(`101 connections need ${OWN + 101} open files`))
        assert.match(error.message, new RegExp(`the limit is ${OWN + 100}; raise it`))
        return true
      },
    )
    assert.throws(() => connectionsOf(config(0), OWN))
  })

  it('ends a start that asks for more', async () => {
    const { code, stderr } = await runCommand(['--connections-max', '1000000', '--port', '0'])
    assert.equal(code, 2)
    assert.match(stderr, /^carillon: --connections-max: 1000000 connections need \d+ open files/)
  })
})

describe('the census', () => {
  it('never lets shards together be unaware of more than what is left', () => {
    const steps = fc.array(fc.tuple(fc.nat(3), fc.constantFrom(1, 1, 1, -1)), { maxLength: 400 })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), steps, (max, moves) => {
        const told = [0, 0, 0, 0]
        let turns: (() => void)[] = []
        const immediate = globalThis.setImmediate
        globalThis.setImmediate = ((run: () => void) => turns.push(run)) as never
        try {
          const shards = told.map(
            (_, shard) => new Census(max, told.length, (count) => (told[shard] = count)),
          )
          for (const [shard, by] of moves) {
            const census = shards[shard] as Census
            if (by === -1 && census.own === 0) continue
            census.changed(by)
            // Every message has come before the next thing happens.
            for (let turn = 0; turns.length > 0; turn++) {
              assert.ok(turn < 100, 'they tell each other without end')
              const due = turns
              turns = []
              for (const run of due) run()
              for (const [self, one] of shards.entries()) one.heard(told, self)
            }
            const real = shards.reduce((sum, { own }) => sum + own, 0)
            for (const one of shards) {
              if (real > max)
                assert.ok(one.isFull, `${real} of ${max}, and one thinks ${one.total}`)
              if (real * 2 <= max) assert.ok(!one.isFull, `${real} of ${max}: ${one.total}`)
            }
          }
        } finally {
          globalThis.setImmediate = immediate
        }
      }),
    )
  })
})
