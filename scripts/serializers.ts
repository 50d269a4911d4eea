// Writes src/document/serialize.ts: the serializers that fast-json-stringify makes of the schemas, as code.
// At run time, the package itself and its compiler (100 ms for each thread) are then not loaded. The
// first step of the build; the file is not committed.
import { writeFileSync } from 'node:fs'
import fastJson from 'fast-json-stringify'
import { schemas } from '../src/document/schema.ts'

/** What the standalone code, which is a CommonJS module, begins and ends with. */
const LOAD = "const Serializer = require('fast-json-stringify/lib/serializer')"
const EXPORT = 'module.exports ='

/** The function of one schema, as an expression. */
function expressionOf(name: string, schema: object): string {
  const code: unknown = fastJson(schema, { mode: 'standalone' })
  if (typeof code !== 'string') throw new Error(`${name}: fast-json-stringify gave no code`)
  for (const text of [LOAD, EXPORT]) {
    if (code.split(text).length !== 2) throw new Error(`${name}: the code has not once: ${text}`)
  }
  return `(() => {${code.replace(LOAD, '').replace(EXPORT, 'return')}\n})()`
}

const members = Object.entries(schemas).map(
  ([name, schema]) => `  ${name}: ${expressionOf(name, schema)},\n`,
)
const text = `// Turns documents into JSON. Made by scripts/serializers.ts from the schemas in schema.ts.
// @ts-nocheck
import Serializer from 'fast-json-stringify/lib/serializer.js'
import type { Documents } from './schema.ts'

export const serialize: { readonly [N in keyof Documents]: (document: Documents[N]) => string } = {
${members.join('')}}
`
writeFileSync(new URL('../src/document/serialize.ts', import.meta.url), text)
