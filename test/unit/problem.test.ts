// Problem details as RFC 9457 has them, for each code that a client can meet.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type ProblemCode, problemBody, problems } from '../../src/http/problem.ts'

const codes = Object.keys(problems) as ProblemCode[]

describe('a problem', () => {
  for (const code of codes) {
    it(`${code} has a status line of its class and a body that says the same`, () => {
      const [status, title] = problems[code]
      assert.match(status, /^[45]\d\d [A-Z][A-Za-z ]+$/)
      const body = JSON.parse(problemBody(code, 'what was wrong')) as unknown
      const number = Number(status.slice(0, 3))
      const detail = 'what was wrong'
      assert.deepEqual(body, { type: 'about:blank', title, status: number, detail, code })
    })
  }

  it('is JSON whatever the detail quotes from the request', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.constantFrom(...codes), (detail, code) => {
        const body = JSON.parse(problemBody(code, detail)) as { detail: string }
        assert.equal(body.detail, detail)
      }),
    )
  })
})
