// Starts the servers that are measured: ours as it was built, afresh for every case, and the peers
// whose names are known. Others run already, and are only spoken to.
import { fileURLToPath } from 'node:url'
import type { Cores } from './cores.ts'
import { startFloor } from './floor.ts'
import { launch } from './launch.ts'
import { startNchan } from './nchan.ts'
import type { Peer } from './peer.ts'
import { OURS } from './trial.ts'
import { pin } from './usage.ts'

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url))

/** The peers that need no address. */
export const standardPeers: Readonly<Record<string, () => Promise<Peer | undefined>>> = {
  floor: startFloor,
  nchan: startNchan,
}

/** @param args further options of the server */
export async function startOurs(
  threads: number,
  cores: Cores,
  args: readonly string[] = [],
): Promise<Peer> {
  const own = ['--host', '127.0.0.1', '--port', '0', '--log-level', 'warn']
  const argv = [MAIN, ...own, '--threads', `${threads}`, ...args]
  const server = launch(process.execPath, argv)
  const line = await server.firstLine
  if (cores.serverList !== undefined) pin(server.pid, cores.serverList)
  const url = /http:\/\/\S+/.exec(line)?.[0]
  if (url === undefined) throw new Error(`no address in the server's first line: ${line}`)
  return {
    name: OURS,
    subscribeUrl: `${url}/events`,
    publishUrl: `${url}/api/events`,
    pid: server.pid,
    stop: server.stop,
  }
}
