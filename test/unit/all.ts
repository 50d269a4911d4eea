// All unit tests in one process: a process for each file would take longer to start than most tests run.
import { readdirSync } from 'node:fs'

for (const file of readdirSync(new URL('.', import.meta.url)).toSorted()) {
  if (file.endsWith('.test.ts')) await import(`./${file}`)
}
