// The command of make fuzz: many shapes against the built server, or one of them again.
import { parseArgs } from 'node:util'
import { launchServer, MAIN } from '../kit/launch.ts'
import { FuzzFault, fuzz } from './run.ts'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100000' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
    case: { type: 'string' },
  },
})

const seed = Number(values.seed)
const numbers =
  values.case === undefined
    ? Array.from({ length: Number(values.runs) }, (_, number) => number)
    : [Number(values.case)]

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

const server = await launchServer(MAIN, ['--host', '127.0.0.1', '--port', '0', '--threads', '2'])
const isAlive = (): boolean => server.process.exitCode === null
try {
  say(`seed ${seed}, ${numbers.length} cases`)
  const figures = await fuzz({ port: server.port, isAlive }, seed, numbers, (done) => {
    if (done % 10_000 === 0) say(`${done}`)
  })
  const { cases, statuses, slowestMs, slowestGoodMs, events } = figures
  say(`${cases} cases, ${events} events; by first status (0: closed without an answer):`)
  for (const [status, count] of [...statuses].sort(([a], [b]) => a - b)) say(`  ${status} ${count}`)
  say(`slowest ${Math.round(slowestMs)} ms, slowest good request ${Math.round(slowestGoodMs)} ms`)
  const code = await server.stop()
  say(`the server ended with ${code}`)
  process.exitCode = code === 0 ? 0 : 1
} catch (error) {
  if (!(error instanceof FuzzFault)) throw error
  say(error.message)
  say(`again: make fuzz ARGS="--seed ${seed} --case NUMBER", with the number above`)
  process.exitCode = 1
} finally {
  server.process.kill('SIGKILL')
}
