// Writes the generated pages of docs/. Run after a change of the options table: npm run docs.
import { writeFileSync } from 'node:fs'
import { optionPage } from '../src/config/help.ts'

writeFileSync(new URL('../docs/options.md', import.meta.url), optionPage())
