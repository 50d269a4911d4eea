// How the stress harness finds out what a subscriber lost, had twice or had in another order.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { eventOf, Follower, Order } from '../stress/kit/order.ts'

const AUTHORS = 3
const TICKS = 20

/** A reader that takes events, and what it reported. */
function follow(order: Order, events: readonly number[], sent = [0, 0, 0], ticks = 0): string[] {
  const reports: string[] = []
  const follower = new Follower(order, 'reader', sent, (violation, detail) =>
    reports.push(`${violation}: ${detail}`),
  )
  for (const event of events) follower.take(event)
  for (let tick = 0; tick < ticks; tick++) follower.tick()
  return reports
}

function countOf(turns: readonly number[], author: number): number {
  return turns.filter((turn) => turn === author).length
}

/** The events in the order in which authors took their turns. */
function written(turns: readonly number[]): number[] {
  return turns.map((author, at) => eventOf(author, countOf(turns.slice(0, at), author)))
}

const TURNS = [0, 1, 0, 2, 1, 1, 0, 2, 2, 0, 1, 2]

/** Two that were not one after the other of one author change their places. */
function swapped(events: readonly number[], at: number): number[] {
  return events.with(at, events[at + 1] as number).with(at + 1, events[at] as number)
}

describe('a reader of the order', () => {
  const events = written(TURNS)

  it('reports nothing where all have all, whoever is first, and wherever one comes in', () => {
    const turns = fc.array(fc.nat(AUTHORS - 1), { minLength: 1, maxLength: 60 })
    fc.assert(
      fc.property(turns, fc.nat(60), fc.nat(60), (turns, first, from) => {
        const all = written(turns)
        const start = Math.min(from, all.length)
        const sent = [0, 1, 2].map((author) => countOf(turns.slice(0, start), author))
        const order = new Order()
        const told: string[] = []
        const tell = (violation: string, detail: string): number =>
          told.push(`${violation}: ${detail}`)
        const early = new Follower(order, 'early', [0, 0, 0], tell)
        const late = new Follower(order, 'late', sent, tell)
        // One is ahead of the other at first; in the end both have all.
        for (const event of all.slice(0, first)) early.take(event)
        for (const event of all.slice(start)) late.take(event)
        for (const event of all.slice(first)) early.take(event)
        for (let tick = 0; tick < TICKS; tick++) for (const one of [early, late]) one.tick()
        assert.deepEqual(told, [])
        const accepted = [0, 1, 2].map((author) => countOf(turns, author))
        assert.equal(early.lacks(accepted), undefined)
        assert.equal(late.lacks(accepted), undefined)
        assert.equal(order.length, all.length)
      }),
    )
  })

  it('reports any event that is left out, whoever has had it before', () => {
    // Behind the last one of an author comes nothing that would show it.
    for (let at = 0; at < TURNS.lastIndexOf(TURNS[at] as number); at++) {
      for (const isFirst of [true, false]) {
        const order = new Order()
        if (!isFirst) follow(order, events)
        const reports = follow(order, events.toSpliced(at, 1), undefined, TICKS)
        assert.equal(reports.length, 1, `${at}`)
        assert.match(reports[0] as string, /^lost: reader expected event \d of publisher \d, got/)
      }
    }
  })

  it('knows what it lacks at the end', () => {
    const order = new Order()
    const follower = new Follower(order, 'reader', [0, 0, 0], () => assert.fail())
    for (const event of events.slice(0, -1)) follower.take(event)
    assert.equal(follower.lacks([4, 4, 4]), 'event 3 of publisher 2')
    follower.take(events.at(-1) as number)
    assert.equal(follower.lacks([4, 4, 4]), undefined)
  })

  it('reports any event that comes twice', () => {
    for (const [at, event] of events.entries()) {
      for (let again = at + 1; again <= events.length; again++) {
        const reports = follow(new Order(), events.toSpliced(again, 0, event), undefined, TICKS)
        assert.equal(reports.length, 1, `${at} at ${again}`)
        assert.match(reports[0] as string, /^doubled: reader got event/)
      }
    }
  })

  it('reports any two events that changed places', () => {
    for (let at = 0; at + 1 < events.length; at++) {
      const order = new Order()
      follow(order, events)
      const reports = follow(order, swapped(events, at), undefined, TICKS)
      assert.equal(reports.length, 1, `${at}`)
      assert.match(reports[0] as string, /^order: reader /)
    }
  })

  it('asks of one that comes later what was sent from then on, and may give it more', () => {
    const order = new Order()
    follow(order, events)
    const sent = [2, 2, 1]
    const from = TURNS.length - 7
    assert.deepEqual(follow(order, events.slice(from), sent, TICKS), [])
    assert.deepEqual(follow(order, events.slice(from - 2), sent, TICKS), [])
    const reports = follow(order, events.slice(from + 2), sent, TICKS)
    assert.match(reports[0] as string, /^lost: reader expected event 2 of publisher 0, got/)
  })

  it('waits for a place until somebody else has its first event', () => {
    const order = new Order()
    const follower = new Follower(order, 'reader', [1, 0, 0], () => assert.fail())
    for (const event of events.slice(1)) follower.take(event)
    assert.notEqual(follower.lacks([4, 4, 4]), undefined)
    follow(order, events.slice(0, 6))
    follower.tick()
    assert.equal(follower.lacks([4, 4, 4]), undefined)
    assert.equal(order.length, events.length)
  })
})
