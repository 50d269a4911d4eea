// The still of a terminal: the README's first commands, run for real, each in a pane of its own.
import { stripVTControlCharacters } from 'node:util'
import { freePort } from '../free-port.ts'
import { drawing } from './drawing.ts'
import { Pane } from './pane.ts'

const TITLE =
  'Terminals: a server is started, two read its events, and what is published in a third is seen'

/** The port of the README where it is free. */
async function portToShow(): Promise<number> {
  const isTaken = await fetch('http://127.0.0.1:8080/').then(
    () => true,
    () => false,
  )
  return isTaken ? freePort() : 8080
}

/** @returns the SVG */
export async function terminalStill(): Promise<string> {
  const port = await portToShow()
  const options = port === 8080 ? '' : `PORT=${port} `
  const panes: Pane[] = []
  const open = async (command: string, until: string): Promise<Pane> => {
    const pane = new Pane(command)
    panes.push(pane)
    return pane.shows(until)
  }
  try {
    const server = await open(
      `make run ${options}ARGS="--host 127.0.0.1 --log-level warn"`,
      'Ctrl-C',
    )
    const text = stripVTControlCharacters(server.text)
    const [events, , publish] = [...text.matchAll(/curl.+/g)].map(([line]) => line)
    if (events === undefined || publish === undefined) throw new Error('no lines to try')
    const reader = await open(events, ':ok')
    const tail = await open(`${options}node dist/main.js tail pets`, 'reading')
    await open(publish, 'accepted')
    await reader.shows('world')
    await tail.shows('woof')
  } finally {
    for (const pane of panes.toReversed()) await pane.close()
  }
  return drawing(TITLE, panes)
}
