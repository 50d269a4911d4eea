// The limits of one client's address: streams that it has, requests to publish a second; and of the
// length of a URL.
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import fc from 'fast-check'
import pino from 'pino'
import { resolveConfig } from '../../src/config/parse.ts'
import { AddressBook } from '../../src/hub/address-book.ts'
import type { AddressUse } from '../../src/hub/message.ts'
import { ADDRESSES_MAX, AddressPace } from '../../src/shard/address-pace.ts'
import { Addresses } from '../../src/shard/addresses.ts'
import { exchange } from '../kit/raw.ts'
import { type Server, sharedServer, startServer } from '../kit/server.ts'
import { RawSubscriber } from '../kit/subscriber.ts'
import { until } from '../kit/until.ts'

const FAULT = new URL('../kit/fault.mjs', import.meta.url).href

/** One of the test's own. */
async function start(t: TestContext, ...args: string[]): Promise<Server> {
  const server = await startServer(args, { nodeFlags: ['--import', FAULT] })
  t.after(() => server.stop())
  return server
}

/** Limits that do not concern each other, on the server of several tests. */
const URL_MAX = 300
const LIMITS = [
  ...['--threads', '1', '--publish', 'public', '--address-subscribers-max', '1'],
  ...['--address-posts-per-second-max', '5', '--url-bytes-max', `${URL_MAX}`],
]

/** A stream of a client behind a proxy of this machine. */
function streamOf(server: Server, client: string): RawSubscriber {
  return new RawSubscriber(server.port, '/events', `X-Forwarded-For: ${client}\r\n`)
}

/** Opens it, or says how it was refused. */
async function answerTo(stream: RawSubscriber): Promise<string> {
  await until(() => stream.text.includes(':ok') || /HTTP\/1.1 429/.test(stream.head), 'an answer')
  return stream.head
}

interface Posted {
  readonly status: number
  readonly retryAfter: string | undefined
  readonly body: string
}

function post(server: Server, client: string, path = '/api/events'): Promise<Posted> {
  return new Promise((resolve, reject) => {
    const headers = { 'X-Forwarded-For': client }
    const options = { host: '127.0.0.1', port: server.port, path, method: 'POST', headers }
    const message = request({ ...options, agent: false }, (response) => {
      let body = ''
      response.on('data', (chunk) => {
        body += chunk
      })
      response.on('end', () => {
        const { statusCode, headers } = response
        resolve({ status: statusCode as number, retryAfter: headers['retry-after'], body })
      })
    })
    message.on('error', reject)
    message.end('{}')
  })
}

async function statusOf(server: Server): Promise<Record<string, number>> {
  return (await (await fetch(`${server.url}/admin/status.json`)).json()) as Record<string, number>
}

async function isBack(server: Server): Promise<boolean> {
  const health = (await (await fetch(`${server.url}/health`)).json()) as { threads: number }
  return health.threads === 2
}

describe('addressSubscribersMax', () => {
  for (const threads of [1, 2]) {
    it(`is what one address may have, with ${threads} threads; others are not concerned`, async (t) => {
      const server = await start(t, '--threads', `${threads}`, '--address-subscribers-max', '3')
      const client = '203.0.113.7'
      const streams: RawSubscriber[] = []
      let refused: RawSubscriber | undefined
      // Shards hear of each other's streams some 25 ms later, and let in a few more until then.
      const isRefused = async (): Promise<boolean> => {
        const stream = streamOf(server, client)
        if (/ 200 OK/.test(await answerTo(stream))) streams.push(stream)
        else refused = stream
        return refused !== undefined
      }
      await until(isRefused, 'one is refused')
      assert.ok(streams.length >= 3 && streams.length <= 3 * threads, `${streams.length} streams`)
      await until(
        () => refused?.text !== undefined && refused.isClosed === false,
        'it has its answer',
      )
      const head = refused?.head ?? ''
      assert.match(head, /^HTTP\/1\.1 429 Too Many Requests\r\n/)
      assert.match(head, /\r\nRetry-After: 1/)
      const other = streamOf(server, '203.0.113.8')
      assert.match(await answerTo(other), / 200 OK/)
      while (streams.length >= 3) streams.pop()?.close()
      const isAdmitted = async (): Promise<boolean> => {
        const stream = streamOf(server, client)
        const isOpen = / 200 OK/.test(await answerTo(stream))
        if (isOpen) streams.push(stream)
        else stream.close()
        return isOpen
      }
      await until(isAdmitted, 'there is room again')
      await until(
        async () => ((await statusOf(server))['streams_refused_by_address'] ?? 0) > 0,
        'it is counted',
      )
      const lines = server.log.filter((line) => line.includes('an address is at its limit'))
      assert.ok(lines.length >= 1 && lines.length <= threads, lines.join('\n'))
      assert.match(
        lines[0] ?? '',
        /"limit":"addressSubscribersMax","value":3,"address":"203.0.113.7"/,
      )
      for (const stream of [...streams, other]) stream.close()
      refused?.close()
    })
  }

  it('says what it is in the answer', async () => {
    const server = await sharedServer(LIMITS)
    const stream = await new RawSubscriber(server.port).opened()
    const answer = await exchange(server.port, ['GET /events HTTP/1.1\r\nHost: test\r\n\r\n'])
    assert.match(answer, /"code":"too_many_streams"/)
    stream.close()
  })

  it('gives back what a shard had that died', async (t) => {
    const server = await start(t, '--threads', '2', '--address-subscribers-max', '40')
    const client = '203.0.113.7'
    const streams = await Promise.all(
      Array.from({ length: 40 }, () => streamOf(server, client).opened()),
    )
    const isFull = async (): Promise<boolean> => {
      const stream = streamOf(server, client)
      const isRefused = / 429 /.test(await answerTo(stream))
      stream.close()
      return isRefused
    }
    await until(isFull, 'it has all it may have')
    server.process.kill('SIGUSR2')
    await until(() => streams.some(({ isClosed }) => isClosed), 'a shard dies')
    await until(() => isBack(server), 'it is back')
    const lost = streams.filter(({ isClosed }) => isClosed).length
    const left = streams.length - lost
    assert.ok(lost > 0 && left > 0)
    const again: RawSubscriber[] = []
    const isGivenBack = async (): Promise<boolean> => {
      const stream = streamOf(server, client)
      if (/ 200 OK/.test(await answerTo(stream))) again.push(stream)
      else stream.close()
      return again.length === lost
    }
    await until(isGivenBack, 'its places are free')
    // The new shard knows what the other one has.
    await until(isFull, 'and no more than these')
    for (const stream of [...streams, ...again]) stream.close()
  })
})

// They wait for what a second brings.
describe('addressPostsPerSecondMax', { concurrency: true }, () => {
  it('lets a second of requests through at once, then says when to try again', async () => {
    const server = await sharedServer(LIMITS)
    const client = '203.0.113.7'
    const begun = performance.now()
    const answers: Posted[] = []
    for (let count = 0; count < 5; count++) answers.push(await post(server, client))
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200, 200, 200],
    )
    // Several at once: one after the other might be too slow for the limit, on a busy machine.
    const refusal = async (path?: string): Promise<Posted> => {
      let refused: Posted | undefined
      const isRefused = async (): Promise<boolean> => {
        const more = await Promise.all(Array.from({ length: 10 }, () => post(server, client, path)))
        answers.push(...more)
        refused = more.find(({ status }) => status === 429)
        return refused !== undefined
      }
      await until(isRefused, 'one is too many')
      return refused as Posted
    }
    const refused = await refusal()
    // What was let through after the burst is what came in since.
    const accepted = answers.filter(({ status }) => status === 200).length
    assert.ok(accepted - 5 <= ((performance.now() - begun) / 1000) * 5 + 1)
    assert.equal(refused.retryAfter, '1')
    assert.equal((JSON.parse(refused.body) as { code: string }).code, 'too_many_publishes')
    assert.equal((await post(server, '203.0.113.8')).status, 200)
    assert.equal((await refusal('/publish/pets')).status, 429)
    await until(async () => (await post(server, client)).status === 200, 'it may again')
    await until(
      async () => ((await statusOf(server))['publishes_refused_by_address'] ?? 0) > 0,
      'it is counted',
    )
  })

  it('holds over time on all shards together', async (t) => {
    const RATE = 20
    const IDLE_MS = 250
    const args = ['--threads', '2', '--address-posts-per-second-max', `${RATE}`]
    const server = await start(t, ...args)
    let accepted = 0
    // What a machine that stalls has not asked for, nobody could accept.
    let idleMs = 0
    const begun = performance.now()
    let lastAt = begun
    const run = async (): Promise<void> => {
      while (performance.now() - begun < 4000) {
        if ((await post(server, '203.0.113.7')).status === 200) accepted++
        const sinceMs = performance.now() - lastAt
        if (sinceMs > IDLE_MS) idleMs += sinceMs
        lastAt += sinceMs
        // Ten times as often as is allowed will do.
        await delay(20)
      }
    }
    await Promise.all([run(), run(), run(), run()])
    const seconds = (performance.now() - begun) / 1000
    // Each shard has a full bucket once; what both spent of theirs is a debt afterwards.
    const most = RATE * (seconds + 2)
    assert.ok(accepted <= most, `${accepted} in ${seconds} s, at most ${most}`)
    const busy = seconds - idleMs / 1000
    assert.ok(accepted >= RATE * (busy - 1), `${accepted} in ${busy} s`)
  })
})

describe('urlBytesMax', () => {
  function ask(server: Server, path: string): Promise<string> {
    return exchange(server.port, [
      `GET ${path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n`,
    ])
  }

  it('is the longest path and query that is served; one byte more gets 414', async () => {
    const server = await sharedServer(LIMITS)
    const path = '/health'
    const fits = `${path}?${'q'.repeat(URL_MAX - path.length)}`
    assert.match(await ask(server, fits), /^HTTP\/1\.1 200 /)
    const refused = await ask(server, `${fits}q`)
    assert.match(refused, /^HTTP\/1\.1 414 URI Too Long\r\n/)
    assert.match(refused, /"code":"url_too_long"/)
    assert.match(await ask(server, `/${'p'.repeat(URL_MAX - 1)}`), /^HTTP\/1\.1 404 /)
    assert.match(await ask(server, `/${'p'.repeat(URL_MAX)}`), /^HTTP\/1\.1 414 /)
    const body =
      'POST /api/events?' +
      'q'.repeat(URL_MAX) +
      ' HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\n{}'
    assert.match(await exchange(server.port, [body]), /^HTTP\/1\.1 414 /)
  })
})

describe('the pace of an address', () => {
  // Rates whose intervals are whole ms, so that the model's sums are exact.
  const rates = fc.constantFrom(1, 2, 4, 5, 8, 10, 20, 40, 100, 250, 1000)
  const steps = fc.array(
    fc.record({
      afterMs: fc.oneof(fc.constant(0), fc.nat(50), fc.nat(3000)),
      address: fc.constantFrom('a', 'b', 'c'),
      spent: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 40 })),
    }),
    { maxLength: 300 },
  )

  it('is that of a token bucket that holds a second, with a second of debt at most', () => {
    fc.assert(
      fc.property(rates, steps, (rate, all) => {
        const pace = new AddressPace(rate)
        const buckets = new Map<string, { tokens: number; at: number }>()
        let now = 12_345
        for (const { afterMs, address, spent } of all) {
          now += afterMs
          const bucket = buckets.get(address) ?? { tokens: rate, at: now }
          buckets.set(address, bucket)
          bucket.tokens = Math.min(rate, bucket.tokens + ((now - bucket.at) * rate) / 1000)
          bucket.at = now
          if (spent > 0) {
            pace.spend(address, spent, now)
            bucket.tokens = Math.max(-rate, bucket.tokens - spent)
          } else {
            const isAdmitted = bucket.tokens > 1 - 1e-9
            if (isAdmitted) bucket.tokens--
            assert.equal(pace.admit(address, now), isAdmitted)
          }
        }
      }),
    )
  })

  it('remembers a bounded number of addresses, whoever floods it with others', () => {
    const pace = new AddressPace(10)
    for (let flood = 0; flood < 3 * ADDRESSES_MAX; flood++) {
      pace.admit(`address ${flood}`, 1000)
      if (flood % 1000 === 0) assert.ok(pace.remembered <= ADDRESSES_MAX)
    }
    assert.ok(pace.remembered <= ADDRESSES_MAX)
  })

  it('forgets who has been idle', () => {
    const pace = new AddressPace(10)
    for (let address = 0; address < 1000; address++) pace.admit(`address ${address}`, 0)
    pace.admit('one', 5000)
    pace.admit('one', 10_000)
    // It alone, in both halves.
    assert.equal(pace.remembered, 2)
  })
})

describe('what shards know of addresses', () => {
  const log = pino({ level: 'silent' })
  const config = resolveConfig({ threads: 3, addressSubscribersMax: 5 })

  /** Shards and their hub in one thread: what they tell is delivered when it is asked for. */
  class Model {
    readonly shards = new Map<number, Addresses>()
    /** Streams by shard and address. */
    readonly real = new Map<number, Map<string, number>>()
    readonly #relay: (() => void)[] = []
    readonly #book = new AddressBook((from, use) => {
      for (const [self, shard] of this.shards) {
        this.#relay.push(() => {
          if (self !== from && this.shards.get(self) === shard) shard.heard(from, use)
        })
      }
    })

    start(number: number): void {
      const shard: Addresses = new Addresses(config, log, (use: AddressUse) => {
        if (this.shards.get(number) === shard) this.#book.take(number, use)
      })
      this.shards.set(number, shard)
      this.real.set(number, new Map())
      this.#book.retell()
    }

    die(number: number): void {
      this.shards.get(number)?.close()
      this.shards.delete(number)
      this.real.delete(number)
      this.#book.forget(number)
    }

    deliver(): void {
      for (const message of this.#relay.splice(0)) message()
    }

    total(address: string): number {
      return [...this.real.values()].reduce((sum, own) => sum + (own.get(address) ?? 0), 0)
    }
  }

  it('is the truth once all is told, whoever comes, goes, dies and is started again', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const address = fc.constantFrom('a', 'b')
    const shard = fc.nat(2)
    const step = fc.oneof(
      { weight: 8, arbitrary: fc.record({ type: fc.constant('come'), shard, address }) },
      { weight: 5, arbitrary: fc.record({ type: fc.constant('go'), shard, address }) },
      { weight: 1, arbitrary: fc.record({ type: fc.constant('die'), shard, address }) },
      { weight: 3, arbitrary: fc.record({ type: fc.constant('tell'), shard, address }) },
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const model = new Model()
        for (const number of [0, 1, 2]) model.start(number)
        for (const { type, shard: number, address } of steps) {
          const addresses = model.shards.get(number) as Addresses
          const own = model.real.get(number) as Map<string, number>
          if (type === 'come' && addresses.admitsStream(address)) {
            addresses.changed(address, 1)
            own.set(address, (own.get(address) ?? 0) + 1)
            // No shard alone is ever over the limit.
            assert.ok((own.get(address) ?? 0) <= 5)
          } else if (type === 'go' && (own.get(address) ?? 0) > 0) {
            addresses.changed(address, -1)
            own.set(address, (own.get(address) as number) - 1)
          } else if (type === 'die') {
            model.die(number)
            model.start(number)
          } else if (type === 'tell') {
            t.mock.timers.tick(25)
            model.deliver()
          }
        }
        t.mock.timers.tick(25)
        model.deliver()
        for (const addresses of model.shards.values()) {
          for (const address of ['a', 'b']) {
            assert.equal(addresses.streamsOf(address), model.total(address))
          }
        }
      }),
    )
  })

  it('is nothing where no limit is set', () => {
    assert.equal(
      Addresses.of(resolveConfig({}), log, () => {}),
      undefined,
    )
  })
})
