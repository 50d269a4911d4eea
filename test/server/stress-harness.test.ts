// The stress harness itself: held against a small server with one fault, it finds that fault, and
// no other; and a server without one passes.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { scenario } from '../stress/kit/scenario.ts'
import type { ViolationName } from '../stress/kit/violation.ts'

const FAULTY = fileURLToPath(new URL('../stress/kit/faulty.mjs', import.meta.url))
const SEED = 1

/** Each fault, what it is found as, and what the message must say. */
const faults: readonly [fault: string, violation: ViolationName, says: RegExp][] = [
  ['drop', 'lost', /subscriber reader-\d+ .*expected event \d+ of publisher \d, got event/],
  [
    'double',
    'doubled',
    /subscriber reader-\d+ .*got event \d+ of publisher \d again, where event \d+ of publisher \d was next/,
  ],
  ['swap', 'order', /subscriber reader-\d+ .*got event/],
  ['freeze', 'lost', /subscriber reader-\d+ .*has not had event \d+ of publisher \d/],
  ['late', 'lost', /subscriber newcomer-\d+ .*expected event \d+ of publisher \d, got event/],
  ['lose', 'lost', /expected event \d+ of publisher \d, got event/],
  [
    'mute',
    'undelivered',
    /event \d+ of publisher \d was answered 200, and no subscriber of \/events/,
  ],
  ['refuse', 'refused', /subscriber reader-\d+ expected a stream, got: status 403/],
  ['close', 'closed', /subscriber reader-\d+ was closed by the server after \d+ events/],
  ['status', 'answer', /of event \d+ of publisher \d expected 200 or 503, got: HTTP\/1.1 500/],
  ['descriptors', 'descriptors', /expected at most 120 open files, got \d+/],
  ['keep', 'descriptors', /expected to be back at \d+ open files when all have left, got \d+/],
  ['memory', 'memory', /expected at most 300 MiB resident, got [\d.]+ MiB/],
  ['log', 'log', /expected no error in the log, got: \{"level":50,"msg":"ouch"\}/],
  ['health', 'health', /expected an answer of \/health within 1000 ms/],
  ['crash', 'exit', /the server ended by itself with 3/],
  ['hurry', 'lost', /subscriber reader-\d+ .*has not had event \d+ of publisher \d/],
  ['exit', 'exit', /expected exit code 0 at SIGTERM, got 1/],
]

/** Faults that must be waited for. */
const SLOW = ['freeze', 'hurry', 'keep', 'mute']

/** @param isStopped the server is stopped while it is published to */
function against(fault: string, isStopped = false): ReturnType<typeof scenario> {
  return scenario({
    name: fault,
    says: 'twenty subscribers of a server with a fault',
    short: {},
    long: {},
    server: () => ({ args: ['--fault', fault], script: FAULTY }),
    bounds: () => ({
      residentMiBMax: 300,
      restingMiBMax: 300,
      descriptorsMax: 120,
      healthMsMax: fault === 'health' ? 1_000 : 30_000,
    }),
    arena: () => ({
      patienceMs: SLOW.includes(fault) ? 2_000 : 30_000,
      mayBeCut: isStopped,
    }),
    run: async (arena) => {
      await arena.open({ crowd: 'reader', count: 20 })
      arena.publish({ authors: 4, perSecond: 400 })
      await arena.published(300)
      await arena.open({ crowd: 'newcomer', count: 5 })
      await arena.published(300)
      if (isStopped) await arena.stop()
      // What it takes to show is asked for five times a second only.
      if (fault === 'health') await arena.until(() => arena.violation !== undefined, 'it is found')
    },
  })
}

// Each play has a server and threads of its own, and spends most of its time waiting.
describe('the stress harness', { concurrency: 2 }, () => {
  it('finds nothing in a server that has no fault', async () => {
    const figures = await against('none').play('short', SEED)
    assert.ok(figures.events >= 600)
    // Twenty, a witness in each of two threads, and five that come in the middle.
    const early = figures.deliveries - figures.events * 22
    assert.ok(early >= 5 * 250 && early < 5 * figures.events, `${early} of those that came later`)
    assert.equal(figures.refused, 0)
  })

  it('finds nothing where a server is stopped under load and everybody has everything', async () => {
    const figures = await against('none', true).play('short', SEED)
    assert.ok(figures.events >= 600)
  })

  for (const [fault, violation, says] of faults) {
    it(`finds the fault "${fault}" as "${violation}", and names who and what`, async () => {
      await assert.rejects(
        against(fault, fault === 'hurry').play('short', SEED),
        (error: Error) => {
          assert.ok(error.message.startsWith(`[${violation}] ${fault}: `), error.stack)
          assert.match(error.message, says)
          assert.match(error.message, /\(short, seed 1\)$/)
          return true
        },
      )
    })
  }
})
