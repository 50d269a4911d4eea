// The command as an operator meets it: help, version, mistakes and their exit codes, where options
// come from, the line that says where it listens, and signals.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { publishOptions, tailOptions } from '../../src/config/client-option.ts'
import { flagOf, options } from '../../src/config/option.ts'
import { ask, assertProblem, get } from '../kit/connection.ts'
import { post } from '../kit/raw.ts'
import { runCommand, startServer } from '../kit/server.ts'
import { RawSubscriber } from '../kit/subscriber.ts'
import { until } from '../kit/until.ts'

const { version } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { version: string }

let folder: string
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'carillon-command-'))
})
after(() => rmSync(folder, { recursive: true }))

let files = 0

/** A config file of this text. */
function fileOf(text: string): string {
  const path = join(folder, `${++files}-carillon.jsonc`)
  writeFileSync(path, text)
  return path
}

/** One line on standard error, nothing on standard output, and this exit code. */
async function assertFails(
  args: readonly string[],
  code: 1 | 2,
  why: RegExp,
  env?: Record<string, string>,
): Promise<void> {
  const run = await runCommand(args, env)
  assert.match(run.stderr, /^carillon: [^\n]+\n$/)
  assert.match(run.stderr, why)
  assert.equal(run.stdout, '')
  assert.equal(run.code, code)
}

describe('carillon --help and --version', () => {
  for (const line of ['--help', '-h', 'serve --help', 'help', 'help serve']) {
    test(`${line} prints every option, at most 80 columns wide`, async () => {
      const { code, stdout, stderr } = await runCommand(line.split(' '))
      assert.equal(code, 0)
      assert.equal(stderr, '')
      for (const name of ['serve', 'publish', 'tail']) {
        assert.ok(stdout.includes(`\n  carillon ${name} `), `an example of ${name}`)
      }
      for (const name of Object.keys(options)) {
        assert.ok(stdout.includes(`\n  ${flagOf(name)} `), name)
      }
      // A list of networks is one word, to be copied as it is.
      const long = stdout
        .split('\n')
        .filter((line) => line.length > 80 && line.trim().includes(' '))
      assert.deepEqual(long, [])
    })
  }

  const tables = { publish: publishOptions, tail: tailOptions }
  for (const [name, table] of Object.entries(tables)) {
    for (const args of [
      ['help', name],
      [name, '--help'],
      [name, 'x', '-h'],
    ]) {
      test(`${args.join(' ')} prints its options, with examples`, async () => {
        const { code, stdout, stderr } = await runCommand(args)
        assert.equal(code, 0)
        assert.equal(stderr, '')
        for (const option of Object.keys(table)) {
          assert.match(stdout, new RegExp(`^  ${flagOf(option)}( |$)`, 'm'))
        }
        assert.ok(stdout.split(`\n  carillon ${name} `).length > 4)
        assert.deepEqual(
          stdout.split('\n').filter((row) => row.length > 80),
          [],
        )
      })
    }
  }

  for (const flag of ['--version', '-v']) {
    test(`${flag} prints the version of the package`, async () => {
      assert.deepEqual(await runCommand([flag]), { code: 0, stdout: `${version}\n`, stderr: '' })
    })
  }
})

describe('options that cannot be used end with 2 and one line', { concurrency: 2 }, () => {
  // One of each kind; options.test.ts has them all.
  const cases: readonly [args: string[], why: RegExp][] = [
    [['--nope'], /unknown option --nope/],
    [['sreve'], /unknown command sreve; there are serve, publish, tail and help/],
    [['serve', 'more'], /unknown option more/],
    [['help', 'nope'], /unknown command nope/],
    [['publish'], /publish needs a topic; carillon publish --help/],
    [['tail', '--nope'], /unknown option --nope/],
    [['--port'], /--port needs a value/],
    [['--port', '--threads', '2'], /--port needs a value/],
    [['--port', '70000'], /--port: 70000 .*from 0 to 65535/],
    [['--threads', '1.5'], /--threads: 1.5 .*whole number/],
    [['--admin', 'maybe'], /--admin: maybe .*one of loopback, public, off/],
    [['--trust-proxy', '10.0.0.0/33'], /--trust-proxy: .*address or a range/],
    [['--user-ip=perhaps'], /--user-ip: perhaps .*true or false/],
    [['--config', '/nowhere/carillon.jsonc'], /nowhere/],
  ]
  for (const [args, why] of cases) {
    test(args.join(' '), () => assertFails(args, 2, why))
  }

  test('the environment, named by its variable', async () => {
    await assertFails([], 2, /PORT: abc /, { PORT: 'abc' })
  })

  const mistakes: readonly [name: string, text: string, why: RegExp][] = [
    ['a bad value', '{ "threads": 0 }', /carillon\.jsonc: threads: 0 .*from 1 to 256/],
    ['an unknown name', '{ "thread": 1 }', /unknown option .*carillon\.jsonc: thread;/],
    ['a mistake in its syntax', '{\n  "port": 1,\n  oops\n}', /line 3/],
  ]
  for (const [name, text, why] of mistakes) {
    test(`a config file with ${name}`, () => assertFails(['--config', fileOf(text)], 2, why))
  }
})

describe('an address that cannot be listened on ends with 1 and one line', () => {
  test('a port in use, on this address and on all', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    for (const host of ['127.0.0.1', '*', '0.0.0.0']) {
      const args = ['--host', host, '--port', `${port}`]
      await assertFails(args, 1, new RegExp(`port ${port} is in use.*--port`))
    }
    other.close()
  })

  test('a port in use by another carillon, which goes on', async () => {
    const first = await startServer(['--threads', '1'])
    try {
      await assertFails(['--host', '127.0.0.1', '--port', `${first.port}`], 1, /in use/)
      assert.equal((await ask(first.port, get('/ready'))).status, 200)
    } finally {
      await first.stop()
    }
  })

  test('an address of no interface of this machine', async () => {
    await assertFails(['--host', '192.0.2.1', '--port', '0'], 1, /cannot listen on 192\.0\.2\.1/)
  })
})

describe('a start', () => {
  test('prints its address as the only line of standard output', async () => {
    const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
    const args = [main, '--host', '127.0.0.1', '--port', '0', '--threads', '1']
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] })
    const lines: string[] = []
    createInterface(child.stdout).on('line', (line) => lines.push(line))
    await until(() => lines.length > 0, 'the line')
    const url = /^carillon (\S+) listening on (http:\/\/127\.0\.0\.1:\d+)$/.exec(lines[0] ?? '')
    assert.equal(url?.[1], version, lines[0])
    // It listens when it says so.
    assert.equal((await fetch(`${url?.[2]}/ready`)).status, 200)
    child.kill('SIGTERM')
    const [code] = await once(child, 'close')
    assert.equal(code, 0)
    assert.equal(lines.length, 1)
  })

  test('writes its log as JSON lines to standard error, and none with silent', async () => {
    const talking = await startServer(['--threads', '1'])
    await talking.stop()
    assert.ok(talking.log.length > 0)
    for (const line of talking.log) assert.equal(typeof JSON.parse(line).msg, 'string')
    const silent = await startServer(['--threads', '1', '--log-level', 'silent'])
    await silent.stop()
    assert.deepEqual(silent.log, [])
  })

  // Each layer is seen by the name in the status: flag, environment, file, default.
  const layers: readonly [
    name: string,
    args: string[],
    env: Record<string, string>,
    node: string,
  ][] = [
    ['a flag over all', ['--node-name', 'flag'], { CARILLON_NODE_NAME: 'env' }, 'flag'],
    ['the environment over the file', [], { CARILLON_NODE_NAME: 'env' }, 'env'],
    ['the file over the default', [], {}, 'file'],
    ['an empty variable is none', [], { CARILLON_NODE_NAME: '' }, 'file'],
  ]
  for (const [name, args, env, node] of layers) {
    test(`takes options by precedence: ${name}`, async () => {
      const text = '{\n  // a comment\n  "nodeName": "file",\n  "threads": 1, /* trailing */\n}\n'
      const own = await startServer([...args, '--config', fileOf(text)], { env })
      try {
        const status = JSON.parse((await ask(own.port, get('/admin/status.json'))).body)
        assert.equal(status.node, node)
        assert.equal(status.threads, 1)
      } finally {
        await own.stop()
      }
    })
  }

  test('takes its config file from CARILLON_CONFIG', async () => {
    const env = { CARILLON_CONFIG: fileOf('{ "nodeName": "from file", "threads": 1 }') }
    const own = await startServer([], { env })
    try {
      const { body } = await ask(own.port, get('/admin/status.json'))
      assert.equal(JSON.parse(body).node, 'from file')
    } finally {
      await own.stop()
    }
  })

  test('with the preset emojitracker closes /api/events to others, a flag opens it', async () => {
    const forwarded = post('/api/events', '{}', 'X-Forwarded-For: 203.0.113.7\r\n')
    const preset = ['--threads', '1', '--preset', 'emojitracker', '--wait-for-source']
    const closed = await startServer(preset)
    assertProblem(await ask(closed.port, forwarded), 403, 'forbidden')
    await closed.stop()
    const open = await startServer([...preset, '--api-events', 'public'])
    assert.equal((await ask(open.port, forwarded)).status, 200)
    await open.stop()
  })
})

describe('signals', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`${signal} ends with 0 and tells subscribers to come back`, async () => {
      const own = await startServer(['--threads', '2'])
      const subscriber = await new RawSubscriber(own.port).opened()
      own.process.kill(signal)
      assert.equal(await own.ended, 0)
      await until(() => subscriber.isClosed, 'the stream is closed')
      assert.match(subscriber.text, /\nretry: \d+\n\n/)
    })
  }

  test('SIGTERM at the moment of the address is a clean stop', async () => {
    // A reader of the address as fast as can be: the signal is there before the write returns.
    const reader = `
      const write = process.stdout.write
      process.stdout.write = (...args) => {
        write.apply(process.stdout, args)
        process.kill(process.pid, 'SIGTERM')
      }`
    const url = `data:text/javascript,${encodeURIComponent(reader)}`
    const own = await startServer(['--threads', '1'], { nodeFlags: ['--import', url] })
    assert.equal(await own.ended, 0)
  })

  for (const [first, second] of [
    ['SIGTERM', 'SIGTERM'],
    ['SIGINT', 'SIGTERM'],
    ['SIGTERM', 'SIGINT'],
  ] as const) {
    test(`a ${second} after ${first} ends a stop that waits at once`, async () => {
      const own = await startServer(['--threads', '1', '--drain-seconds', '60'])
      // One that does not read: the stop would give it a minute to take what it lacks.
      const stalled = await new RawSubscriber(own.port, '/subscribe/a').opened()
      stalled.socket.pause()
      for (let n = 0; n < 8; n++) {
        assert.equal((await ask(own.port, post('/publish/a', 'x'.repeat(1_000_000)))).status, 200)
      }
      const lag = async (): Promise<number> => {
        const { body } = await ask(own.port, get('/admin/status.json'))
        return JSON.parse(body).connections[0]?.lag_bytes ?? 0
      }
      await until(async () => (await lag()) > 0, 'it lags')
      own.process.kill(first)
      await until(() => own.log.some((line) => line.includes('stopping')), 'it stops')
      let how: unknown
      void own.ended.then((end) => {
        how = end
      })
      own.process.kill(second)
      await until(() => how !== undefined, 'it ends before the minute is over', 30_000)
      assert.equal(how, second)
      stalled.close()
    })
  }
})
