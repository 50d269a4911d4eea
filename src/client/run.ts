// Runs `carillon publish` and `carillon tail`: order → deed → exit code. Main thread of a process of
// its own, which never loads the server.
import { type PublishOrder, readPublish, readTail, type TailOrder } from '../config/client-parse.ts'
import type { CommandLine } from '../config/command.ts'
import { Failure, plain } from './failure.ts'
import { jsonLine, textLine } from './line.ts'
import { paintOf } from './paint.ts'

/** What a shell makes of a process that a signal ended. */
const signals = { SIGINT: 130, SIGTERM: 143 } as const

type ClientLine = CommandLine & { readonly name: 'publish' | 'tail' }

/**
 * @returns the exit code
 * @throws CarillonError for a command line that cannot be used
 */
export async function runClient({ name, argv }: ClientLine, version: string): Promise<number> {
  // A token among the arguments is seen by everyone on this machine for as long as they stand there.
  process.title = `carillon ${name}`
  const order = name === 'publish' ? readPublish(argv) : readTail(argv)
  if (order === 'help') {
    const { clientHelp } = await import('../config/client-help.ts')
    process.stdout.write(clientHelp(name))
    return 0
  }
  try {
    const userAgent = `carillon/${version}`
    if ('topic' in order) await runPublish(order, userAgent)
    else await runTail(order, userAgent)
    return 0
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    note(error.message)
    return 1
  }
}

function note(line: string): void {
  process.stderr.write(`${paintOf(process.stderr)('yellow', `carillon: ${plain(line)}`)}\n`)
}

async function runPublish(order: PublishOrder, userAgent: string): Promise<void> {
  const { publish } = await import('./publish.ts')
  const say = (line: string): void => void process.stdout.write(`${line}\n`)
  await publish(order, userAgent, { input: process.stdin, say, note })
}

async function runTail(order: TailOrder, userAgent: string): Promise<void> {
  const { Tail } = await import('./tail.ts')
  const { stdout } = process
  const { json, quiet } = order.options
  const paint = paintOf(stdout)
  const tail = new Tail(order, userAgent, {
    print: (arrival) => {
      return stdout.write(`${json ? jsonLine(arrival) : textLine(arrival, paint)}\n`)
    },
    note: quiet ? () => {} : note,
  })
  const sum = (): void => {
    if (!quiet) note(tail.summary())
  }
  stdout.on('drain', () => tail.resume())
  let failure: NodeJS.ErrnoException | undefined
  stdout.on('error', (error) => {
    failure = error
    tail.end()
  })
  for (const [signal, code] of Object.entries(signals)) {
    process.once(signal, () => {
      sum()
      process.exit(code)
    })
  }
  await tail.run()
  // What was printed has to be taken before the process ends.
  await new Promise((resolve) => stdout.write('', resolve))
  // A reader that is gone, as behind `| head`, has what it wanted.
  if (failure !== undefined && failure.code !== 'EPIPE') {
    throw new Failure(`standard output: ${failure.message}`)
  }
  sum()
}
