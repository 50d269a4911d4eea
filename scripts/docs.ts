// Writes the generated pages of docs/. Run after a change of the tables they are made from:
// npm run docs.
import { writeFileSync } from 'node:fs'
import { optionPage } from '../src/config/help.ts'
import { metricsPage } from '../src/ops/metrics.ts'

writeFileSync(new URL('../docs/options.md', import.meta.url), optionPage())
writeFileSync(new URL('../docs/metrics.md', import.meta.url), metricsPage())
