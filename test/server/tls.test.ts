// https: real clients, files that cannot be used, and a certificate that is renewed while streams go
// on. To make a key costs more than most tests: three certificates do for the file.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { connect } from 'node:net'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { readCertificate } from '../../src/config/certificate.ts'
import { resolveConfig } from '../../src/config/parse.ts'
import { CarillonError } from '../../src/error.ts'
import { makeCertificate, type OwnCertificate, secureDial } from '../kit/certificate.ts'
import { temporaryFolder } from '../kit/folder.ts'
import { startProgram } from '../kit/program.ts'
import { runCommand, type Server, sharedServer, startServer } from '../kit/server.ts'
import { RawSubscriber } from '../kit/subscriber.ts'
import { until } from '../kit/until.ts'

const FAULT = new URL('../kit/fault.mjs', import.meta.url).href
const PYTHON = '/usr/bin/python3'
const READ_ONE = fileURLToPath(new URL('../clients/read_one.py', import.meta.url))

const folder = temporaryFolder()
const own = makeCertificate(folder)
const a = makeCertificate(folder, 'a')
const b = makeCertificate(folder, 'b')

function flagsOf({ certificate, key }: OwnCertificate): string[] {
  return ['--tls-cert', certificate, '--tls-key', key]
}

/** A server of the test's own, to be stopped, told of a renewal, or to lose a shard. */
async function start(
  t: TestContext,
  served: OwnCertificate,
  ...args: string[]
): Promise<Server & { readonly pid: number }> {
  const flags = [...flagsOf(served), '--no-user-ip', ...args]
  const server = await startServer(flags, { nodeFlags: ['--import', FAULT] })
  t.after(() => server.stop())
  return Object.assign(server, { pid: server.process.pid as number })
}

function share(): Promise<Server> {
  return sharedServer([...flagsOf(own), '--no-user-ip', '--threads', '2'])
}

interface Answer {
  readonly status: number
  readonly body: string
  /** Of the certificate that the server showed. */
  readonly fingerprint: string
}

const contexts = new Map<string, SecureContext>()

/** What trusts these certificates; to make one takes longer than a request. */
function contextOf(trusted: readonly OwnCertificate[]): SecureContext {
  const paths = trusted.map(({ certificate }) => certificate)
  const key = paths.join()
  const context =
    contexts.get(key) ?? createSecureContext({ ca: paths.map((path) => readFileSync(path)) })
  contexts.set(key, context)
  return context
}

/** A request on a connection of its own. */
function ask(
  port: number,
  trusted: readonly OwnCertificate[],
  path: string,
  body?: string,
): Promise<Answer> {
  const secureContext = contextOf(trusted)
  const method = body === undefined ? 'GET' : 'POST'
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, method, secureContext, agent: false } as const
    const message = request(options, (response) => {
      const { fingerprint } = (response.socket as TLSSocket).getPeerCertificate()
      let text = ''
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('error', reject)
      response.on('end', () =>
        resolve({ status: response.statusCode as number, body: text, fingerprint }),
      )
    })
    message.on('error', reject)
    message.end(body)
  })
}

/** The certificates that so many new connections get. */
async function shownBy(
  server: Server,
  trusted: readonly OwnCertificate[],
  connections = 24,
): Promise<Set<string>> {
  const answers = await Promise.all(
    Array.from({ length: connections }, () => ask(server.port, trusted, '/health')),
  )
  return new Set(answers.map(({ fingerprint }) => fingerprint))
}

/** Puts the files of another certificate in the place of those that are served. */
function replace(served: OwnCertificate, by: OwnCertificate): void {
  for (const file of ['certificate', 'key'] as const) {
    const copy = `${served[file]}.new`
    writeFileSync(copy, readFileSync(by[file]))
    renameSync(copy, served[file])
  }
}

/** The files that a server of the test's own is told; they hold the first certificate. */
function servedFiles(): OwnCertificate {
  const place = temporaryFolder()
  const { fingerprint } = a
  const served = {
    certificate: join(place, 'served.crt'),
    key: join(place, 'served.key'),
    fingerprint,
  }
  replace(served, a)
  return served
}

function openFilesOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}

function residentBytesOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
}

function countOf(server: Server, words: string): number {
  return server.log.filter((line) => line.includes(words)).length
}

// They wait for the clock, or are on a server of their own.
describe('https', { concurrency: true }, () => {
  it('serves curl, Python requests and Node, and says so in its address', async (t) => {
    const server = await share()
    assert.match(server.url, /^https:\/\/127\.0\.0\.1:\d+$/)
    const curl = startProgram(t, 'curl', [
      '-N',
      '--cacert',
      own.certificate,
      `${server.url}/events`,
    ])
    const python = startProgram(t, PYTHON, [READ_ONE, `${server.url}/events`], {
      REQUESTS_CA_BUNDLE: own.certificate,
    })
    const node = new RawSubscriber(server.port, '/events', '', secureDial(own))
    await node.opened()
    for (const { lines } of [curl, python]) await until(() => lines.includes(':ok'), 'it opens')
    assert.equal((await ask(server.port, [own], '/api/events', '{"n":1}')).status, 200)
    await node.received(1)
    for (const { lines } of [curl, python]) {
      await until(() => lines.includes('data: {"n":1}'), 'the event')
    }
    assert.deepEqual(node.events, ['{"n":1}'])
    node.close()
  })

  it('delivers large events whole, also to one that stops reading meanwhile', async () => {
    const server = await share()
    const dial = secureDial(own)
    const readers = await Promise.all(
      [0, 1, 2].map(() => new RawSubscriber(server.port, '/subscribe/large', '', dial).opened()),
    )
    const stalled = readers[0] as RawSubscriber
    stalled.socket.pause()
    const events: string[] = []
    for (let n = 0; n < 12; n++) {
      const body = JSON.stringify({ n, text: `${n}`.repeat(400_000) })
      assert.equal((await ask(server.port, [own], '/publish/large', body)).status, 200)
      events.push(body)
    }
    await readers[1]?.received(12)
    await readers[2]?.received(12)
    assert.ok(stalled.events.length < 12)
    stalled.socket.resume()
    await stalled.received(12)
    for (const reader of readers) {
      assert.ok(reader.events.every((event, index) => event === events[index]))
      reader.close()
    }
  })

  it('closes the stream of one that stalls too long', async (t) => {
    const server = await start(t, own, '--threads', '1', '--lag-bytes-max', '100000')
    const stalled = new RawSubscriber(server.port, '/events', '', secureDial(own))
    await stalled.opened()
    stalled.socket.pause()
    const body = JSON.stringify({ text: 'x'.repeat(900_000) })
    const isClosed = async (): Promise<boolean> => {
      assert.equal((await ask(server.port, [own], '/api/events', body)).status, 200)
      const { body: status } = await ask(server.port, [own], '/admin/status.json')
      return (JSON.parse(status) as { connections: unknown[] }).connections.length === 0
    }
    await until(isClosed, 'it is closed')
    stalled.close()
  })

  it('ends streams at SIGTERM, and itself with 0', async (t) => {
    const server = await start(t, own, '--threads', '2', '--reconnect-ms', '0')
    const dial = secureDial(own)
    const readers = await Promise.all(
      Array.from({ length: 10 }, () =>
        new RawSubscriber(server.port, '/events', '', dial).opened(),
      ),
    )
    assert.equal((await ask(server.port, [own], '/api/events', '{}')).status, 200)
    assert.equal(await server.stop(), 0)
    await until(() => readers.every(({ isClosed }) => isClosed), 'they are closed')
    for (const { events, text } of readers) {
      assert.deepEqual(events, ['{}'])
      assert.match(text, /retry: 0\n\n$/)
    }
  })

  it('is not disturbed by plain HTTP, nor by who never shakes hands', async () => {
    const server = await share()
    const silent = connect(server.port, '127.0.0.1')
    const plain = connect(server.port, '127.0.0.1')
    let [isSilentClosed, isPlainClosed] = [false, false]
    silent.resume().on('close', () => {
      isSilentClosed = true
    })
    plain
      .on('error', () => {})
      .resume()
      .on('close', () => {
        isPlainClosed = true
      })
    plain.write('GET /health HTTP/1.1\r\nHost: test\r\n\r\n')
    await until(() => isPlainClosed, 'plain HTTP is closed')
    assert.equal((await ask(server.port, [own], '/health')).status, 200)
    // uWS gives a connection 10 s to bring a request, and looks every 4 s.
    await until(() => isSilentClosed, 'silence is closed', 60_000)
  })

  it('takes no TLS older than 1.2', async () => {
    const server = await share()
    const handshake = (version: string): string => {
      const address = ['-connect', `127.0.0.1:${server.port}`, '-CAfile', own.certificate]
      // Level 0 lets this client offer what is forbidden.
      const args = ['s_client', `-${version}`, '-cipher', 'ALL:@SECLEVEL=0', ...address]
      try {
        return execFileSync('openssl', args, {
          input: '',
          stdio: ['pipe', 'pipe', 'ignore'],
        }).toString()
      } catch (error) {
        return String((error as { stdout: Buffer }).stdout)
      }
    }
    const GOT = /Verify return code: 0 \(ok\)[\s\S]*|Cipher is (?!\(NONE\))/
    assert.match(handshake('tls1_2'), GOT)
    for (const old of ['tls1', 'tls1_1']) assert.match(handshake(old), /Cipher is \(NONE\)/, old)
  })
})

describe('a certificate renewed by SIGHUP', () => {
  for (const [sharing, threads] of [
    ['reuseport', 2],
    ['handover', 2],
    ['reuseport', 1],
  ] as const) {
    it(`is shown to new connections, and costs no stream an event: ${sharing}, ${threads} threads`, async (t) => {
      const served = servedFiles()
      const args = ['--threads', `${threads}`, '--port-sharing', sharing, '--listen-sockets', '2']
      const server = await start(t, served, ...args)
      assert.deepEqual(await shownBy(server, [a, b]), new Set([a.fingerprint]))
      const dial = secureDial(a, b)
      const readers = await Promise.all(
        Array.from({ length: 12 }, () =>
          new RawSubscriber(server.port, '/events', '', dial).opened(),
        ),
      )
      // Each publishes on a new connection: none may be refused while the port changes hands.
      let isDone = false
      const accepted: string[] = []
      const publish = async (publisher: number): Promise<void> => {
        for (let count = 0; !isDone; count++) {
          const body = JSON.stringify({ publisher, count })
          assert.equal((await ask(server.port, [a, b], '/api/events', body)).status, 200)
          accepted.push(body)
        }
      }
      const publishers = [0, 1, 2].map(publish)
      await readers[0]?.received(20)
      let shown = [a, b]
      for (let renewals = 1; renewals <= 4; renewals++) {
        const [, next] = shown as [OwnCertificate, OwnCertificate]
        replace(served, next)
        process.kill(server.pid, 'SIGHUP')
        await until(() => countOf(server, 'certificate renewed') === renewals, 'it is renewed')
        assert.deepEqual(await shownBy(server, [a, b]), new Set([next.fingerprint]))
        shown = shown.toReversed()
      }
      await readers[0]?.received((readers[0]?.events.length ?? 0) + 20)
      isDone = true
      await Promise.all(publishers)
      await Promise.all(readers.map((reader) => reader.received(accepted.length)))
      for (const { events, isClosed } of readers) {
        assert.ok(!isClosed)
        assert.deepEqual(events, readers[0]?.events)
      }
      assert.deepEqual(readers[0]?.events.toSorted(), accepted.toSorted())
      for (const reader of readers) reader.close()
      assert.equal(await server.stop(), 0)
    })
  }

  it('stays what it was where the files are bad, until they are good', async (t) => {
    const served = servedFiles()
    const server = await start(t, served, '--threads', '2')
    writeFileSync(served.key, readFileSync(b.key))
    process.kill(server.pid, 'SIGHUP')
    const said = 'carillon: certificate not renewed, the old one stays: --tls-key: '
    await until(() => countOf(server, said) === 1, 'it says so')
    assert.equal(countOf(server, 'it is not the key of the certificate'), 1)
    assert.deepEqual(await shownBy(server, [a, b]), new Set([a.fingerprint]))
    rmSync(served.certificate)
    process.kill(server.pid, 'SIGHUP')
    await until(() => countOf(server, 'certificate not renewed') === 2, 'it says so again')
    replace(served, b)
    process.kill(server.pid, 'SIGHUP')
    await until(() => countOf(server, 'certificate renewed') === 1, 'it is renewed')
    assert.deepEqual(await shownBy(server, [a, b]), new Set([b.fingerprint]))
  })

  it('is what a shard has that died and is started again', async (t) => {
    const served = servedFiles()
    const server = await start(t, served, '--threads', '2')
    replace(served, b)
    process.kill(server.pid, 'SIGHUP')
    await until(() => countOf(server, 'certificate renewed') === 1, 'it is renewed')
    process.kill(server.pid, 'SIGUSR2')
    await until(() => countOf(server, 'shard died') === 1, 'it dies')
    const isBack = async (): Promise<boolean> => {
      const { body } = await ask(server.port, [a, b], '/health')
      return (JSON.parse(body) as { threads: number }).threads === 2
    }
    await until(isBack, 'it is back')
    assert.deepEqual(await shownBy(server, [a, b]), new Set([b.fingerprint]))
    replace(served, a)
    process.kill(server.pid, 'SIGHUP')
    await until(() => countOf(server, 'certificate renewed') === 2, 'it is renewed again')
    assert.deepEqual(await shownBy(server, [a, b]), new Set([a.fingerprint]))
  })

  it('is renewed while a shard dies: nobody waits for its answer', async (t) => {
    const served = servedFiles()
    const server = await start(t, served, '--threads', '2')
    replace(served, b)
    process.kill(server.pid, 'SIGUSR2')
    process.kill(server.pid, 'SIGHUP')
    await until(() => countOf(server, 'certificate renewed') === 1, 'it is renewed')
    const isEverywhere = async (): Promise<boolean> => {
      const shown = await shownBy(server, [a, b])
      return shown.size === 1 && shown.has(b.fingerprint)
    }
    await until(isEverywhere, 'all shards show it')
  })

  it('leaves nothing behind, however often', async (t) => {
    const served = servedFiles()
    const server = await start(t, served, '--threads', '2', '--listen-sockets', '4')
    const reader = new RawSubscriber(server.port, '/events', '', secureDial(a))
    await reader.opened()
    let renewals = 0
    const renew = async (times: number): Promise<void> => {
      for (let time = 0; time < times; time++) {
        process.kill(server.pid, 'SIGHUP')
        renewals++
        await until(() => countOf(server, 'certificate renewed') === renewals, 'it is renewed')
      }
    }
    await renew(20)
    const [files, bytes] = [openFilesOf(server.pid), residentBytesOf(server.pid)]
    await renew(200)
    assert.ok(openFilesOf(server.pid) <= files + 2, `${openFilesOf(server.pid)} files, ${files}`)
    const perRenewal = (residentBytesOf(server.pid) - bytes) / 200
    assert.ok(perRenewal < 256 * 1024, `${perRenewal} bytes for each renewal`)
    assert.equal((await ask(server.port, [a], '/api/events', '{}')).status, 200)
    await reader.received(1)
    reader.close()
  })

  it('without TLS the signal is logged, and the server goes on', async (t) => {
    const server = await startServer(['--threads', '1'])
    t.after(() => server.stop())
    server.process.kill('SIGHUP')
    await until(() => countOf(server, 'no certificate to renew') === 1, 'it says so')
    assert.equal((await fetch(`${server.url}/health`)).status, 200)
  })
})

describe('files of a certificate', () => {
  const textFile = join(folder, 'text.pem')
  writeFileSync(textFile, 'no PEM at all')
  const encrypted = join(folder, 'encrypted.key')
  const pass = ['-aes256', '-passout', 'pass:secret', '-in', own.key, '-out', encrypted]
  execFileSync('openssl', ['rsa', ...pass], { stdio: 'ignore' })

  for (const [what, tlsCert, tlsKey, why] of [
    ['no key', own.certificate, '', /^--tls-cert: .*it needs --tls-key, too$/],
    ['no certificate', '', own.key, /^--tls-key: .*it needs --tls-cert, too$/],
    ['a file that is absent', join(folder, 'none'), own.key, /^--tls-cert: .*ENOENT/],
    ['a certificate that is none', textFile, own.key, /^--tls-cert: .*no certificate in PEM form$/],
    ['a key that is none', own.certificate, textFile, /^--tls-key: .*no private key in PEM form$/],
    ['another key', own.certificate, a.key, /^--tls-key: .*is not the key of the certificate/],
    ['a key with a passphrase', own.certificate, encrypted, /^--tls-key: .*has a passphrase/],
  ] as const) {
    it(`with ${what} are refused at start, by name`, () => {
      assert.throws(
        () => readCertificate(resolveConfig({ tlsCert, tlsKey })),
        (error) =>
          error instanceof CarillonError && error.exitCode === 2 && why.test(error.message),
      )
    })
  }

  it('end the command with 2', async () => {
    const { code, stderr } = await runCommand(['--tls-cert', own.certificate])
    assert.equal(code, 2)
    assert.match(stderr, /^carillon: --tls-cert: .*: it needs --tls-key, too\n$/)
  })

  it('tell whether clients will refuse the certificate', () => {
    const config = resolveConfig({ tlsCert: own.certificate, tlsKey: own.key })
    const day = 24 * 3600 * 1000
    const faultAt = (ms: number): string | undefined => readCertificate(config, ms)?.fault
    assert.equal(faultAt(Date.now() - day), 'it is not valid yet')
    assert.equal(faultAt(Date.now() + day), undefined)
    assert.equal(faultAt(Date.now() + 3 * day), 'it has expired')
    assert.match(readCertificate(config)?.names ?? '', /DNS:localhost/)
  })

  it('that have expired are served with a warning', async (t) => {
    const expired = { ...own, certificate: join(folder, 'expired.crt') }
    const sign = ['x509', '-in', own.certificate, '-signkey', own.key, '-days', '-1']
    execFileSync('openssl', [...sign, '-out', expired.certificate], { stdio: 'ignore' })
    const server = await start(t, expired, '--threads', '1')
    await until(
      () => countOf(server, 'clients will refuse the certificate: it has expired') === 1,
      'it warns',
    )
  })
})
