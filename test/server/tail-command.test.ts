// `carillon tail`, as a process: what it prints of the real server's streams, on a pipe and on a
// terminal, how it comes back, and how it ends.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it, type TestContext } from 'node:test'
import { freePort } from '../../scripts/free-port.ts'
import { answer, type Client, startClient, startFront } from '../kit/client.ts'
import { MAIN } from '../kit/launch.ts'
import { startProgram } from '../kit/program.ts'
import { type Server, sharedServer, startServer } from '../kit/server.ts'
import { RawSubscriber } from '../kit/subscriber.ts'
import { until } from '../kit/until.ts'

const PUBLISH = 'publish-0123456789'
const SUBSCRIBE = 'subscribe-0123456789'
const STREAM = { 'Content-Type': 'text/event-stream' }

const folder = mkdtempSync(join(tmpdir(), 'carillon-tail-'))
after(() => rmSync(folder, { recursive: true }))

const ARGS = ['--threads', '1', '--reconnect-ms', '100']

/** One of the test's own, to be stopped. */
async function start(t: TestContext, ...args: string[]): Promise<Server> {
  const server = await startServer([...ARGS, ...args])
  t.after(() => server.stop())
  return server
}

function share(...args: string[]): Promise<Server> {
  return sharedServer([...ARGS, ...args])
}

/** A tail that reads. */
async function tail(
  t: TestContext,
  server: Server,
  args: readonly string[],
  spec: Parameters<typeof startClient>[2] = {},
): Promise<Client> {
  const client = startClient(t, ['tail', '--url', server.url, ...args], spec)
  await until(() => client.err.includes('reading '), `it reads: ${client.err}`)
  return client
}

async function publish(server: Server, path: string, body: string | Buffer): Promise<void> {
  const response = await fetch(`${server.url}/publish${path}`, { method: 'POST', body })
  assert.equal(response.status, 200, await response.text())
}

interface Status {
  readonly connections: readonly { readonly namespace: string }[]
  readonly msgs_skipped: number
}

async function statusOf(server: Server): Promise<Status> {
  return (await (await fetch(`${server.url}/admin/status.json`)).json()) as Status
}

/** A line of text without its time, which is checked. */
function untimed(line: string): string {
  assert.match(line, /^\d\d:\d\d:\d\d\.\d{3} /)
  return line.slice(13)
}

async function assertFails(
  t: TestContext,
  args: readonly string[],
  code: 1 | 2,
  why: RegExp,
): Promise<void> {
  const client = startClient(t, ['tail', ...args])
  assert.equal(await client.ended, code, client.err)
  assert.match(client.err, /^carillon: [^\n]+\n$/)
  assert.match(client.err, why)
  assert.equal(client.out, '')
}

interface Line {
  readonly at: string
  readonly event: string
  readonly id?: string
  readonly data: string
  readonly connection: number
  readonly lagMs?: number
  readonly skipped?: number
}

function objects(client: Client): Line[] {
  return client.lines.map((line) => JSON.parse(line) as Line)
}

describe('carillon tail', () => {
  it('prints a line for each event of a topic, of all, of a URL', async (t) => {
    const server = await share()
    const pets = await tail(t, server, ['pets'])
    const all = await tail(t, server, ['/'])
    const given = await tail(t, server, [`${server.url}/subscribe/pets/cats?x=secret`])
    assert.doesNotMatch(given.err, /secret/)
    await publish(server, '/pets/cats?event=meow&id=7', 'purr')
    await publish(server, '/petshop', 'open')
    await publish(server, '/pets', 'one\ntwo\r\n\nfour')
    const four = ['one', '             two', '             ', '             four']
    await until(() => all.lines.length === 6 && pets.lines.length === 5, 'the events')
    assert.equal(untimed(pets.lines[0] as string), 'meow #7 purr')
    assert.equal(untimed(pets.lines[1] as string), four[0])
    assert.deepEqual(pets.lines.slice(2), four.slice(1))
    assert.equal(untimed(all.lines[1] as string), 'open')
    assert.equal(given.lines.length, 1)
  })

  it('prints an object for each event with --json', async (t) => {
    const server = await share()
    const begun = Date.now()
    const client = await tail(t, server, ['pets', '--json'])
    await publish(server, '/pets?event=meow&id=ä7', 'one\ntwo')
    await publish(server, '/pets', '{"n":12345678901234567890} \u2028\u0085\x7f')
    await until(() => client.lines.length === 2, 'the events')
    const [{ at, ...first }, { at: _, ...second }] = objects(client) as [Line, Line]
    assert.ok(Date.parse(at) >= begun && Date.parse(at) <= Date.now(), at)
    assert.deepEqual(first, { event: 'meow', id: 'ä7', data: 'one\ntwo', connection: 1 })
    const data = '{"n":12345678901234567890} \u2028\u0085\x7f'
    assert.deepEqual(second, { event: 'message', data, connection: 1 })
    assert.doesNotMatch(client.out, /[\x7f-\x9f]/)
  })

  it('lets no event move the cursor, in names, ids and data', async (t) => {
    const server = await share()
    const client = await tail(t, server, ['pets'])
    const nasty = encodeURIComponent('\x1b]0;x\x07')
    await publish(server, `/pets?event=${nasty}&id=${nasty}`, '\x1b[2J\b\u009b2J\ttab')
    await until(() => client.lines.length === 1, 'the event')
    const shown = '\\x1b]0;x\\x07'
    assert.equal(untimed(client.out), `${shown} #${shown} \\x1b[2J\\x08\\x9b2J\ttab\n`)
  })

  it('ends with 0 after --count events, and says what there was', async (t) => {
    const server = await share()
    const client = await tail(t, server, ['pets', '--count', '2'])
    const batch = ['1', '2', '3'].map((data) => JSON.stringify({ data })).join('\n')
    const headers = { 'Content-Type': 'application/x-ndjson' }
    await fetch(`${server.url}/publish/pets`, { method: 'POST', headers, body: batch })
    assert.equal(await client.ended, 0)
    assert.deepEqual(client.lines.map(untimed), ['1', '2'])
    assert.match(client.err, /2 events, 1 connection, longest silence \d+\.\d s\n$/)
  })

  it('prints all of --count events, though its reader is slow', async (t) => {
    const server = await share()
    const client = await tail(t, server, ['big', '--count', '20'], { isUnread: true })
    for (let n = 0; n < 20; n++) await publish(server, '/big', `${n}${'x'.repeat(100_000)}`)
    let bytes = 0
    client.process.stdout.on('data', (chunk) => {
      bytes += chunk.length
    })
    assert.equal(await client.ended, 0)
    await until(() => bytes > 2_000_000, 'all of it')
  })

  it('is quiet with --quiet, but for what fails', async (t) => {
    const server = await share()
    const client = startClient(t, ['tail', '--url', server.url, 'quiet', '--quiet', '--count', '1'])
    await until(async () => {
      const { connections } = await statusOf(server)
      return connections.some(({ namespace }) => namespace === '/quiet')
    }, 'it reads')
    await publish(server, '/quiet', 'x')
    assert.equal(await client.ended, 0)
    assert.equal(client.err, '')
    await assertFails(t, ['--quiet', `${server.url}/nowhere`], 1, /404 not_found/)
  })

  it('shows how late an event is, with --sent-at', async (t) => {
    const server = await share()
    const client = await tail(t, server, ['pets', '--json', '--sent-at', '/a~1b/0'])
    const text = await tail(t, server, ['pets', '--sent-at', '/a~1b/0'])
    const now = Date.now()
    const times = [now - 5000, (now - 5000) / 1000, new Date(now - 5000).toISOString(), `${now}`]
    for (const time of times) await publish(server, '/pets', JSON.stringify({ 'a/b': [time] }))
    for (const data of ['{"a/b":["noon"]}', '{}', 'no JSON']) await publish(server, '/pets', data)
    await until(() => client.lines.length === 7 && text.lines.length === 7, 'the events')
    const lags = objects(client).map(({ lagMs }) => lagMs)
    for (const lag of lags.slice(0, 3)) assert.ok(lag !== undefined && lag >= 5000, `${lags}`)
    assert.ok(Math.max(...(lags.slice(0, 4) as number[])) < 15_000, `${lags}`)
    assert.deepEqual(lags.slice(4), [undefined, undefined, undefined])
    assert.match(untimed(text.lines[0] as string), /^\+[5-9]\d\d\dms \{"a/)
    assert.equal(untimed(text.lines[6] as string), 'no JSON')
  })

  it('loads nothing of the server', async (t) => {
    const server = await share()
    const client = await tail(t, server, ['pets'])
    const loaded = (pid = 0): string => readFileSync(`/proc/${pid}/maps`, 'utf8')
    assert.match(loaded(server.process.pid), /uws_\w+\.node/)
    assert.doesNotMatch(loaded(client.process.pid), /\.node$/m)
  })

  it('does not show its token in the list of processes', async (t) => {
    const server = await share('--subscribe-token', SUBSCRIBE)
    const client = await tail(t, server, ['pets', '--token', SUBSCRIBE])
    const shown = readFileSync(`/proc/${client.process.pid}/cmdline`, 'latin1')
    assert.match(shown, /^carillon tail\0/)
    assert.doesNotMatch(shown, /0123456789/)
  })
})

describe('carillon tail on a terminal', () => {
  // util-linux's script gives it one.
  function onTerminal(t: TestContext, server: Server, env: string) {
    // Within CI, Node takes every terminal for one without colours.
    const command = `env -u CI ${env} '${process.execPath}' '${MAIN}' tail --count 1 '${server.url}/subscribe/a'`
    return startProgram(t, 'script', ['-qec', command, '/dev/null'])
  }

  async function printed(t: TestContext, env: string): Promise<string> {
    const server = await share()
    const terminal = onTerminal(t, server, env)
    await until(() => terminal.lines.some((line) => line.includes('reading')), 'it reads')
    await publish(server, '/a?event=bark&id=7', 'woof')
    assert.equal(await terminal.ended, 0)
    return terminal.lines.join('\n')
  }

  const ESC = '\x1b'

  it('has colours', async (t) => {
    const text = await printed(t, '-u NO_COLOR TERM=xterm-256color')
    assert.ok(text.includes(`${ESC}[36mbark${ESC}[39m ${ESC}[35m#7${ESC}[39m woof`), text)
    assert.ok(text.includes(`${ESC}[33mcarillon: reading`), text)
  })

  for (const env of ['NO_COLOR=1 TERM=xterm-256color', '-u NO_COLOR TERM=dumb']) {
    it(`has none with ${env}`, async (t) => {
      const text = await printed(t, env)
      assert.match(text, /bark #7 woof/)
      assert.ok(!text.includes(ESC), text)
    })
  }
})

describe('carillon tail comes back', () => {
  it('to the next server, after one that stopped or was killed', async (t) => {
    const first = await start(t)
    const client = await tail(t, first, ['pets', '--json'])
    const again = async (number: number): Promise<Server> => {
      const server = await start(t, '--port', `${first.port}`)
      const words = (): number => client.err.split('reading again ').length - 1
      await until(() => words() === number, `it is back: ${client.err}`, 20_000)
      return server
    }
    await publish(first, '/pets', 'one')
    await until(() => client.lines.length === 1, 'the first event')
    assert.equal(await first.stop(), 0)
    await until(() => client.err.includes('the server closed the stream; trying again in'), 'lost')
    const second = await again(1)
    await publish(second, '/pets', 'two')
    await until(() => client.lines.length === 2, 'the second event')
    second.process.kill('SIGKILL')
    await second.ended
    const third = await again(2)
    await publish(third, '/pets', 'three')
    await until(() => client.lines.length === 3, 'the third event')
    const got = objects(client).map(({ data, connection }) => [data, connection])
    assert.deepEqual(got, [
      ['one', 1],
      ['two', 2],
      ['three', 3],
    ])
  })

  it('when the stream said, with the id of the last event that had one', async (t) => {
    const seen: number[] = []
    const front = await startFront(
      t,
      answer(200, STREAM, 'retry: 600\nid: ä7\ndata: one\n\ndata: two\n\n'),
      (asked, response) => {
        seen.push(performance.now())
        answer(200, STREAM, 'data: three\n\n')(asked, response)
      },
    )
    const client = startClient(t, ['tail', `${front.url}/x?y=1`, '--count', '3'])
    await until(() => client.lines.length === 2, 'the first stream')
    const lostAt = performance.now()
    assert.equal(await client.ended, 0, client.err)
    // The client may have lost it a little before the lines were here.
    const waited = (seen[0] as number) - lostAt
    assert.ok(waited > 300, `${waited} ms`)
    assert.match(client.err, /trying again in 0\.6 s/)
    const [before, then] = front.requests
    assert.equal(before?.headers['last-event-id'], undefined)
    assert.equal(then?.url, '/x?y=1')
    const id = Buffer.from(`${then?.headers['last-event-id']}`, 'latin1').toString()
    assert.equal(id, 'ä7')
  })

  it('from what brings nothing for --stall-seconds, heartbeats counted', async (t) => {
    const alive = await share('--heartbeat-seconds', '1')
    const steady = await tail(t, alive, ['pets', '--stall-seconds', '3'])
    const front = await startFront(t, (_, response) => {
      response.writeHead(200, STREAM).write(':ok\n\nretry: 100\n\n')
    })
    const client = startClient(t, ['tail', `${front.url}/`, '--stall-seconds', '1'])
    await until(() => front.requests.length === 4, 'it comes back, and again', 20_000)
    assert.match(client.err, /nothing came for 1 s; trying again in 0\.1 s/)
    // Three times a second of silence: more than its own limit lets pass.
    assert.doesNotMatch(steady.err, /nothing came/)
  })

  it('when a server is busy as soon as it may, and through a proxy when it is away', async (t) => {
    const front = await startFront(
      t,
      answer(503, { 'Retry-After': '1' }),
      answer(200, STREAM, 'retry: 100\n\ndata: one\n\n'),
      answer(502),
      answer(504),
      answer(200, STREAM, 'data: two\n\n'),
    )
    const begun = performance.now()
    const client = startClient(t, ['tail', `${front.url}/`, '--count', '2'])
    assert.equal(await client.ended, 0, client.err)
    assert.ok(performance.now() - begun >= 1000)
    assert.match(client.err, /503 .*; trying again in 1\.\d s\n/)
    assert.match(client.err, /502 Bad Gateway; trying again in 0\.1 s\n/)
    assert.equal(front.requests.length, 5)
  })

  it('when a connection is free again', async (t) => {
    const server = await share('--connections-max', '1')
    const other = await new RawSubscriber(server.port).opened()
    const client = startClient(t, ['tail', '--url', server.url, 'pets'])
    await until(() => client.err.includes('503 too_many_connections'), 'it is refused')
    assert.doesNotMatch(client.err, /reading/)
    other.close()
    await until(() => client.err.includes('reading'), 'it reads')
  })

  it('no more often in a row than --reconnects-max', async (t) => {
    for (const [max, attempts] of [
      ['0', ''],
      ['2', ', given up after 2 attempts'],
    ]) {
      const server = await start(t)
      const client = await tail(t, server, ['pets', '--reconnects-max', `${max}`])
      await server.stop()
      assert.equal(await client.ended, 1)
      assert.ok(client.err.endsWith(`${attempts}\n`), client.err)
      assert.equal(client.err.split('trying again').length - 1, Number(max))
    }
  })

  it('never after --wait-seconds-max, whatever the stream says', async (t) => {
    const front = await startFront(
      t,
      answer(200, STREAM, 'retry: 86400000\ndata: one\n\n'),
      answer(200, STREAM, 'data: two\n\n'),
    )
    const args = ['tail', `${front.url}/`, '--count', '2', '--wait-seconds-max', '1']
    const client = startClient(t, args)
    assert.equal(await client.ended, 0)
    assert.match(client.err, /trying again in 1\.0 s/)
  })
})

describe('carillon tail that reads slowly', () => {
  it('is held by its output, takes no more, and tells what it was skipped past', async (t) => {
    const limits = ['--lag-policy', 'skip', '--lag-bytes-max', '65536', '--announce-skips']
    const server = await share(...limits)
    const client = await tail(t, server, ['big', '--json'], { isUnread: true })
    const skipped = async (): Promise<number> => {
      return (await statusOf(server)).msgs_skipped
    }
    const data = 'x'.repeat(100_000)
    let published = 0
    await until(
      async () => {
        await publish(server, '/big', data)
        published++
        return (await skipped()) > 0
      },
      'it is skipped',
      60_000,
    )
    let out = ''
    client.process.stdout.setEncoding('utf8').on('data', (chunk) => {
      out += chunk
    })
    await until(() => out.includes('"skipped":'), 'it hears of it')
    await publish(server, '/big', 'last')
    await until(() => out.includes('"data":"last"'), 'it goes on')
    const lines = out.trimEnd().split('\n')
    const events = lines.map((line) => JSON.parse(line) as Line)
    const missed = events.reduce((sum, { skipped = 0 }) => sum + skipped, 0)
    const got = events.filter(({ event }) => event === 'message').length
    assert.equal(got + missed, published + 1)
    assert.match(client.err, /the server skipped \d+ events: this reader is too slow/)
    client.process.kill('SIGINT')
    assert.equal(await client.ended, 130)
    assert.match(client.err, new RegExp(`1 connection, ${missed} skipped`))
  })

  it('ends at a signal also while its output takes nothing', async (t) => {
    for (const [signal, code] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const) {
      const server = await share()
      const client = await tail(t, server, ['big'], { isUnread: true })
      for (let n = 0; n < 20; n++) await publish(server, '/big', 'x'.repeat(100_000))
      // Two million bytes are on their way, and this is what it has got rid of.
      const written = (): number => {
        const counts = readFileSync(`/proc/${client.process.pid}/io`, 'utf8')
        return Number(/^wchar: (\d+)/m.exec(counts)?.[1])
      }
      await until(() => written() > 100_000, 'its output is full')
      client.process.kill(signal)
      assert.equal(await client.ended, code)
      assert.match(client.err, /\d+ events, 1 connection/)
    }
  })

  it('ends quietly when who reads its output is gone', async (t) => {
    const server = await share()
    const client = await tail(t, server, ['pets'])
    await publish(server, '/pets', 'one')
    await until(() => client.lines.length === 1, 'the first event')
    client.process.stdout.destroy()
    await publish(server, '/pets', 'two')
    assert.equal(await client.ended, 0)
    assert.doesNotMatch(client.err, /EPIPE|Error/)
  })

  it('says that its output is full, with 1', async (t) => {
    const server = await share()
    const command = `'${process.execPath}' '${MAIN}' tail '${server.url}/subscribe/a' > /dev/full`
    const client = startProgram(t, 'sh', ['-c', command])
    await until(() => client.errors.length > 0, 'it reads')
    await publish(server, '/a', 'woof')
    assert.equal(await client.ended, 1)
    assert.match(client.errors.at(-1) ?? '', /^carillon: standard output: ENOSPC/)
  })
})

describe('carillon tail, where it cannot', () => {
  it('ends with 1 and one line that says why', async (t) => {
    const guarded = ['--subscribe-token', SUBSCRIBE, '--publish-token', PUBLISH]
    const server = await share(...guarded)
    const at = ['--url', server.url, 'pets']
    await assertFails(t, at, 1, /401 token_missing: .*--token-file/)
    await assertFails(t, [...at, '--token', `${SUBSCRIBE}0`], 1, /401 token_unknown/)
    await assertFails(t, [...at, '--token', PUBLISH], 1, /403 token_not_enough/)
    await assertFails(t, [`${server.url}/nowhere`], 1, /404 not_found/)
    await assertFails(t, [`${server.url}/health`], 1, /health is no stream of events: .*json$/m)
    const nobody = `http://127.0.0.1:${await freePort()}`
    await assertFails(t, ['--url', nobody, 'pets'], 1, /ECONNREFUSED.*no server listens there/)
    const silent = await startFront(t, () => {})
    await assertFails(t, [silent.url, '--timeout-seconds', '1'], 1, /no answer within 1 s/)
    const moved = await startFront(t, answer(301, { Location: '/other' }))
    await assertFails(t, [moved.url], 1, /301 it is at \/other, and redirects are not followed/)
  })

  it('reads with a token of the variable', async (t) => {
    const server = await share('--subscribe-token', SUBSCRIBE)
    await tail(t, server, ['pets'], { env: { CARILLON_SUBSCRIBE_TOKEN: SUBSCRIBE } })
  })

  it('ends with 1 at an event longer than --event-chars-max, with or without a line end', async (t) => {
    const lines = 'data: xxxxxxxxxx\n'.repeat(200)
    for (const body of [`data: ${'x'.repeat(5000)}`, lines]) {
      const front = await startFront(t, (_, response) => {
        response.writeHead(200, STREAM).write(`data: short\n\n${body}`)
      })
      const client = startClient(t, ['tail', front.url, '--event-chars-max', '1024'])
      assert.equal(await client.ended, 1)
      assert.match(client.err, /longer than 1024 characters \(--event-chars-max\)\n$/)
    }
  })

  it('ends with 0 when the server says that there is no more', async (t) => {
    const front = await startFront(t, answer(204))
    const client = startClient(t, ['tail', front.url])
    assert.equal(await client.ended, 0)
    assert.match(client.err, /no more \(204\)\n/)
  })

  it('replaces what is not UTF-8, and keeps what chunks cut in two', async (t) => {
    const bytes = Buffer.concat([
      Buffer.from('\ufeffdata: 🐶'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('\r\n\r\n'),
    ])
    const front = await startFront(t, (_, response) => {
      response.writeHead(200, STREAM)
      const send = (at: number): void => {
        if (at < bytes.length) response.write(bytes.subarray(at, at + 1), () => send(at + 1))
        else response.end()
      }
      send(0)
    })
    const client = startClient(t, ['tail', front.url, '--count', '1'])
    assert.equal(await client.ended, 0, client.err)
    assert.equal(untimed(client.lines[0] as string), '🐶\ufffd\ufffd')
  })

  it('says how to trust a certificate, and trusts it then', async (t) => {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    const ask = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
    const name = ['-subj', '/CN=test', '-addext', 'subjectAltName=IP:127.0.0.1']
    execFileSync('openssl', [...ask, ...name, '-keyout', key, '-out', cert], { stdio: 'ignore' })
    const secure = createSecureServer(
      { key: readFileSync(key), cert: readFileSync(cert) },
      answer(200, STREAM, 'data: safe\n\n'),
    )
    await new Promise<void>((resolve) => secure.listen(0, '127.0.0.1', resolve))
    t.after(() => secure.close())
    const url = `https://127.0.0.1:${(secure.address() as AddressInfo).port}/`
    await assertFails(t, [url], 1, /self-signed certificate; NODE_EXTRA_CA_CERTS names a file/)
    const env = { NODE_EXTRA_CA_CERTS: cert }
    const client = startClient(t, ['tail', url, '--count', '1'], { env })
    assert.equal(await client.ended, 0, client.err)
    assert.equal(untimed(client.lines[0] as string), 'safe')
  })
})
