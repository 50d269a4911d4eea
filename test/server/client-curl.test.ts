// The README's first lines, as they stand there but for the port: curl subscribes, curl publishes.
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { type Program, startProgram } from '../kit/program.ts'
import { sharedServer, startServer } from '../kit/server.ts'
import { until } from '../kit/until.ts'

async function subscribe(t: TestContext, address: string): Promise<Program> {
  const curl = startProgram(t, 'curl', ['-N', address])
  await until(() => curl.lines.includes(':ok'), `curl -N ${address} is greeted`)
  return curl
}

/** @returns what curl printed */
async function publish(t: TestContext, body: string, address: string): Promise<string> {
  const curl = startProgram(t, 'curl', ['-d', body, address])
  assert.equal(await curl.ended, 0, curl.errors.join('\n'))
  return curl.lines.join('\n')
}

function said({ lines }: Program): string[] {
  return lines.filter((line) => line !== '')
}

describe('curl', () => {
  it('-N on /events prints what curl -d posts to /api/events', async (t) => {
    const { port } = await sharedServer()
    const subscriber = await subscribe(t, `localhost:${port}/events`)
    assert.equal(await publish(t, '{"hello":"world"}', `localhost:${port}/api/events`), '')
    await until(() => said(subscriber).length > 1, 'the event')
    assert.deepEqual(said(subscriber), [':ok', 'data: {"hello":"world","user_ip":"127.0.0.1"}'])
  })

  it('-N on /subscribe/pets prints what curl -d posts to /publish/pets/dogs', async (t) => {
    const { port } = await sharedServer()
    const subscriber = await subscribe(t, `localhost:${port}/subscribe/pets`)
    const accepted = '{"accepted":1}'
    assert.equal(await publish(t, 'meh', `localhost:${port}/publish/petshop`), accepted)
    assert.equal(await publish(t, 'woof', `localhost:${port}/publish/pets/dogs`), accepted)
    await until(() => said(subscriber).length > 1, 'the event')
    assert.deepEqual(said(subscriber), [':ok', 'data: woof'])
  })

  it('-N ends without an error when the server stops', async (t) => {
    const server = await startServer()
    t.after(() => server.stop())
    const subscriber = await subscribe(t, `localhost:${server.port}/events`)
    assert.equal(await server.stop(), 0)
    assert.equal(await subscriber.ended, 0, subscriber.errors.join('\n'))
    assert.match(said(subscriber).at(-1) ?? '', /^retry: \d+$/)
  })
})
