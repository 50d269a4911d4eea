// The library in a program of somebody else's: after `close` nothing of ours keeps the program alive,
// and nothing of ours throws into it, wherever the connection to Redis was when it stopped.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { type Program, startProgram } from '../kit/program.ts'
import { redisClient, startRedis } from '../kit/redis.ts'
import { until } from '../kit/until.ts'

const LIBRARY = new URL('../../dist/index.js', import.meta.url).href

/** Closes its dispatcher at SIGUSR2, and then has nothing more to do. */
async function startLibrary(t: TestContext, redisUrl: string): Promise<Program> {
  const code = `
    import { carillon } from '${LIBRARY}'
    const common = { preset: 'emojitracker', host: '127.0.0.1', port: 0, threads: 1 }
    const source = { redisUrl: process.argv[1], waitForSource: true, sourceTimeoutSeconds: 3600 }
    const dispatcher = await carillon({ ...common, ...source })
    process.once('SIGUSR2', () => dispatcher.close(0))
    process.stdout.write('started\\n')`
  const program = startProgram(t, process.execPath, ['--input-type=module', '-e', code, redisUrl])
  await until(() => program.lines.includes('started'), 'it has started')
  return program
}

/** It ends by itself once its dispatcher is closed, and for no error. */
async function assertEnds({ process: child, ended, errors }: Program): Promise<void> {
  child.kill('SIGUSR2')
  await until(() => child.exitCode !== null || child.signalCode !== null, 'it ends')
  assert.equal(await ended, 0, errors.join('\n'))
}

/** Takes connections and hands each to `serve`; all end with the test. */
async function startListener(t: TestContext, serve: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    serve(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

describe('a program that closes its dispatcher ends by itself', () => {
  it('while Redis is there', async (t) => {
    const redis = await startRedis()
    await assertEnds(await startLibrary(t, redis.url))
    await redis.stop()
  })

  for (const scheme of ['redis', 'rediss']) {
    it(`while a ${scheme}:// has not answered yet`, async (t) => {
      let isAsked = false
      const port = await startListener(t, (socket) => {
        socket.once('data', () => {
          isAsked = true
        })
      })
      const program = await startLibrary(t, `${scheme}://127.0.0.1:${port}`)
      await until(() => isAsked, 'it is connecting')
      await assertEnds(program)
    })
  }

  it('while it still subscribes, and messages come already', async (t) => {
    const redis = await startRedis()
    let isHeld = false
    const port = await startListener(t, (socket) => {
      const server = connect(redis.port, '127.0.0.1')
      server.on('error', () => {})
      socket.on('close', () => server.destroy())
      server.pipe(socket)
      // PSUBSCRIBE gets no answer; SUBSCRIBE, which comes before it, has had one.
      socket.on('data', (bytes) => {
        if (/PSUBSCRIBE/i.test(bytes.toString('latin1'))) isHeld = true
        else server.write(bytes)
      })
    })
    const program = await startLibrary(t, `redis://127.0.0.1:${port}`)
    await until(() => isHeld, 'it subscribes')
    const client = await redisClient(redis.url)
    let isOver = false
    const publish = async (): Promise<void> => {
      while (!isOver) await client.publish('stream.score_updates', '2665')
    }
    const publishing = publish()
    await assertEnds(program).finally(() => {
      isOver = true
    })
    await publishing
    await redis.stop()
  })
})
