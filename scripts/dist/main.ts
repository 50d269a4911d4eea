// Makes single-file executables in dist/: node --import tsx scripts/dist/main.ts linux-amd64 …
// The command must have been built; `make dist` sees to it, and to the archives and sums.
import { makeExecutable } from './executable.ts'
import { targets } from './target.ts'

for (const name of process.argv.slice(2)) {
  const target = targets[name]
  if (target === undefined) throw new Error(`${name} is none of ${Object.keys(targets).join(', ')}`)
  await makeExecutable(name, target)
}
