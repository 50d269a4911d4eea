// Lines that a reader is told to try, run by a shell as they stand.
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { type Program, startProgram } from './program.ts'
import { until } from './until.ts'

export function shell(t: TestContext, line: string): Program {
  return startProgram(t, 'sh', ['-c', `exec ${line}`])
}

/** Reads by the first lines and publishes by the last. */
export async function tryAll(t: TestContext, lines: readonly string[]): Promise<void> {
  assert.equal(lines.length, 3, lines.join('\n'))
  const [events, topic, publish] = lines as [string, string, string]
  const readers = [shell(t, events), shell(t, topic)]
  for (const { lines, errors } of readers) {
    await until(() => lines.includes(':ok'), `a stream: ${lines} ${errors}`)
  }
  const publisher = startProgram(t, 'sh', ['-c', publish])
  assert.equal(await publisher.ended, 0, publisher.errors.join('\n'))
  assert.deepEqual(publisher.lines, ['{"accepted":1}'])
  const data = ['data: {"hello":"world"}', 'data: woof']
  for (const [index, { lines }] of readers.entries()) {
    await until(() => lines.includes(data[index] as string), `${data[index]} in ${lines}`)
  }
}
