// Writes a result into a folder: JSON for programs, a Markdown page and plots for readers.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freeStem } from './archive.ts'
import { latencyPlot, throughputPlot } from './plot.ts'
import type { Results } from './result.ts'
import { markdownOf } from './table.ts'

/** A figure that could not be had, a division by 0, is absent: JSON would make it null. */
function finite(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? undefined : value
}

/**
 * Files that are there already are left alone.
 * @returns the paths of the files that were written: JSON, Markdown, and the plots for which the
 *   result has enough loads
 */
export async function writeResults(results: Results, folder: string): Promise<string[]> {
  mkdirSync(folder, { recursive: true })
  const stem = freeStem(results, folder)
  const plots = [
    [`${stem}-latency.svg`, latencyPlot(results)],
    [`${stem}-throughput.svg`, throughputPlot(results)],
  ].filter((plot): plot is [string, string] => plot[1] !== undefined)
  const files = [
    [`${stem}.json`, `${JSON.stringify(results, finite, 2)}\n`],
    [
      `${stem}.md`,
      markdownOf(
        results,
        plots.map(([name]) => name),
      ),
    ],
    ...plots,
  ] as const
  return files.map(([name, text]) => {
    const path = join(folder, name)
    writeFileSync(path, text)
    return path
  })
}
