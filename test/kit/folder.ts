// Folders for files that a test or its servers need.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'

const folders = new Set<string>()
function removeAll(): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
}
after(removeAll)
process.on('exit', removeAll)

/** An empty folder; gone after the tests of the file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-'))
  folders.add(folder)
  return folder
}
