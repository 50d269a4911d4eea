// The options of the benchmark's command line.
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Case, cases } from './case.ts'
import { standardPeers } from './server.ts'
import { OURS } from './trial.ts'

const HELP = `Usage: node --import tsx bench/main.ts [options]

Measures the built server, and peers beside it in the same run.

  --full            all cases; without it a short run of the main ones, about 3 minutes with the
                    floor
  --case NAME       only this case, by its name or letter; repeatable
  --peer NAME       also measure floor or nchan, which are started here; repeatable
  --peer NAME,SUBSCRIBE-URL,PUBLISH-URL[,HEADER]
                    also measure a server that runs already; HEADER goes with every POST
  --seconds N       of each measurement; default 10, in the short run 2
  --rounds N        measurements of each load, servers in turn; default 3
  --threads N       of the server; default 1, which has core 0, and the load the others
  --out FOLDER      results go there; default bench/results
  --help            this text

Cases:
`
const RESULTS = fileURLToPath(new URL('results', import.meta.url))
const SECONDS_MAX = 3_600
const ROUNDS_MAX = 100
const THREADS_MAX = 256
const SECONDS = { full: 10, short: 2 }
const ROUNDS = 3

/** What is wrong with the command line: for its user, without a stack. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** A peer that is asked for; without addresses one of the standard ones. */
export interface PeerOption {
  readonly name: string
  readonly subscribeUrl?: string
  readonly publishUrl?: string
  readonly header?: string
}

export interface Options {
  readonly isFull: boolean
  readonly cases: readonly Case[]
  readonly peers: readonly PeerOption[]
  readonly seconds: number
  readonly rounds: number
  readonly threads: number
  /** Folder of the results. */
  readonly out: string
}

export function helpText(): string {
  const lines = cases.map(({ name, target, short }) => {
    return `  ${target ?? ' '}  ${name}${short.length === 0 ? ' (only with --full or --case)' : ''}`
  })
  return `${HELP}${lines.join('\n')}\n`
}

/** @returns undefined where help is asked for; throws a UsageError */
export function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parse(args)
  if (values.help) return undefined
  const isFull = values.full
  const asked = values.case.map(caseOf)
  const all = isFull ? cases : cases.filter(({ short }) => short.length > 0)
  const peers = values.peer.map(readPeer)
  const names = [OURS, ...peers.map(({ name }) => name)]
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw new UsageError(`--peer: ${twice} is in the run already`)
  return {
    isFull,
    cases: asked.length > 0 ? asked : all,
    peers,
    seconds: whole('--seconds', values.seconds, isFull ? SECONDS.full : SECONDS.short, SECONDS_MAX),
    rounds: whole('--rounds', values.rounds, ROUNDS, ROUNDS_MAX),
    out: values.out,
    threads: whole('--threads', values.threads, 1, THREADS_MAX),
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        full: { type: 'boolean', default: false },
        case: { type: 'string', multiple: true, default: [] },
        peer: { type: 'string', multiple: true, default: [] },
        seconds: { type: 'string' },
        rounds: { type: 'string' },
        threads: { type: 'string' },
        out: { type: 'string', default: RESULTS },
        help: { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    // It adds advice after the first sentence.
    throw new UsageError((error as Error).message.replace(/\.\s.*/s, ''))
  }
}

function whole(name: string, text: string | undefined, otherwise: number, high: number): number {
  if (text === undefined) return otherwise
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (value >= 1 && value <= high) return value
  throw new UsageError(`${name} must be a whole number from 1 to ${high}`)
}

function caseOf(text: string): Case {
  const name = text.toLowerCase().replaceAll(/[-_]/g, ' ')
  const found = cases.find((one) => one.target?.toLowerCase() === name || plain(one.name) === name)
  if (found !== undefined) return found
  const names = cases.map((one) => one.name).join(', ')
  throw new UsageError(`--case: there is no case ${text}; there are: ${names}`)
}

function plain(name: string): string {
  return name.replaceAll('-', ' ')
}

function readPeer(text: string): PeerOption {
  const [name = '', subscribeUrl, publishUrl, ...rest] = text.split(',')
  if (subscribeUrl === undefined && name in standardPeers) return { name }
  if (name === '' || subscribeUrl === undefined || publishUrl === undefined) {
    const known = Object.keys(standardPeers).join(' or ')
    throw new UsageError(`--peer must be ${known}, or name,subscribe-url,publish-url[,header]`)
  }
  checkUrl(subscribeUrl)
  checkUrl(publishUrl)
  // A header may hold commas.
  const header = rest.join(',')
  if (header === '') return { name, subscribeUrl, publishUrl }
  if (!/^[\w-]+: *\S/.test(header)) {
    throw new UsageError(`--peer: the header must be "Name: value", not "${header}"`)
  }
  return { name, subscribeUrl, publishUrl, header }
}

function checkUrl(text: string): void {
  if (URL.canParse(text) && new URL(text).protocol === 'http:') return
  throw new UsageError(`--peer: "${text}" must be a URL that begins with http://`)
}
