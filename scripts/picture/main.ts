// Makes the pictures of the README, docs/images/: make pictures. They show the built server at work,
// so they take some minutes. make pictures ARGS="--seconds 20" makes them faster, with emptier charts.
import { mkdirSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { adminShots } from './admin.ts'
import { terminalStill } from './terminal.ts'

const folder = new URL('../../docs/images/', import.meta.url)

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '170' } } })

mkdirSync(folder, { recursive: true })
writeFileSync(new URL('terminal.svg', folder), await terminalStill())
for (const { theme, png } of await adminShots(Number(values.seconds))) {
  writeFileSync(new URL(`admin-${theme}.png`, folder), png)
}
