// The examples run as they stand, and do what they say.
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../scripts/free-port.ts'
import { type Program, startProgram } from '../kit/program.ts'
import { RawSubscriber } from '../kit/subscriber.ts'
import { until } from '../kit/until.ts'

async function startExample(
  t: TestContext,
  name: string,
  variables: Record<string, string>,
): Promise<Program> {
  const path = fileURLToPath(new URL(`../../examples/${name}.mjs`, import.meta.url))
  const program = startProgram(t, process.execPath, [path], variables)
  await until(() => program.lines.length > 0, `${name} says where it is`).catch((error) => {
    throw new Error(`${error.message}: ${program.errors.join('\n')}`)
  })
  return program
}

async function assertEnds(program: Program): Promise<void> {
  program.process.kill('SIGINT')
  assert.equal(await program.ended, 0, program.errors.join('\n'))
}

describe('the examples', () => {
  it('clock: the time, every second', async (t) => {
    const port = await freePort()
    const program = await startExample(t, 'clock', { PORT: `${port}` })
    assert.equal(program.lines[0], `listening on http://127.0.0.1:${port}/subscribe/time`)
    const reader = await new RawSubscriber(port, '/subscribe/time').opened()
    await reader.received(2)
    const [first, second] = reader.events.map((time) => Date.parse(time)) as [number, number]
    assert.ok(second > first)
    reader.close()
    await assertEnds(program)
  })

  it('petstore: all pets, or dogs only', async (t) => {
    const port = await freePort()
    const program = await startExample(t, 'petstore', { PORT: `${port}`, PACE: '0.1' })
    const pets = await new RawSubscriber(port, '/subscribe/pets').opened()
    const dogs = await new RawSubscriber(port, '/subscribe/pets/dogs').opened()
    await pets.received(5)
    await dogs.received(3)
    const arrivals = ['Corgi', 'Persian', 'Terrier', 'Dachshund', 'LOLcat']
    assert.deepEqual(pets.events.slice(0, 5).toSorted(), arrivals.toSorted())
    const names = ['Corgi', 'Terrier', 'Dachshund']
    assert.ok(dogs.events.every((dog) => names.includes(dog)))
    assert.match(dogs.text, /event: new-dog\ndata: Corgi\n\n/)
    for (const reader of [pets, dogs]) reader.close()
    await assertEnds(program)
  })

  it('express: an order placed there is an event here, for its pages only', async (t) => {
    const [port, ssePort] = [await freePort(), await freePort()]
    const variables = { PORT: `${port}`, SSE_PORT: `${ssePort}` }
    const program = await startExample(t, 'express', variables)
    const page = await (await fetch(`http://127.0.0.1:${port}/`)).text()
    assert.ok(page.includes(`http://127.0.0.1:${ssePort}/subscribe/orders`))
    const own = `Origin: http://localhost:${port}\r\n`
    const reader = await new RawSubscriber(ssePort, '/subscribe/orders', own).opened()
    assert.ok(reader.head.includes(`Access-Control-Allow-Origin: http://localhost:${port}`))
    const response = await fetch(`http://127.0.0.1:${port}/orders`, { method: 'POST' })
    assert.equal(response.status, 201)
    await reader.received(1)
    assert.match(reader.text, /event: order\ndata: \{"number":1\}\n\n/)
    reader.close()
    await assertEnds(program)
  })
})
