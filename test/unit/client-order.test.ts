// What `carillon publish` and `carillon tail` make of a command line and an environment, and how an
// event looks as a line.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { LagMeter } from '../../src/client/lag.ts'
import { type Arrival, jsonLine, textLine } from '../../src/client/line.ts'
import { publishOptions, tailOptions } from '../../src/config/client-option.ts'
import { readPublish, readTail } from '../../src/config/client-parse.ts'
import { readCommandLine } from '../../src/config/command.ts'
import { flagOf } from '../../src/config/flag.ts'
import type { OptionSpec } from '../../src/config/spec.ts'
import { CarillonError } from '../../src/error.ts'

const TOKEN = 'token-0123456789'
const OTHER = 'other-0123456789'

function publishOf(argv: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const order = readPublish(argv, env)
  assert.ok(order !== 'help')
  return order
}

function tailOf(argv: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const order = readTail(argv, env)
  assert.ok(order !== 'help')
  return order
}

function assertUnusable(run: () => unknown, why: RegExp): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof CarillonError)
    assert.match(error.message, why)
    assert.equal(error.exitCode, 2)
    return true
  })
}

describe('the first word of the command line', () => {
  it('names the command; without one it is serve', () => {
    assert.deepEqual(readCommandLine([]), { name: 'serve', argv: [] })
    assert.deepEqual(readCommandLine(['--port', '1']), { name: 'serve', argv: ['--port', '1'] })
    assert.deepEqual(readCommandLine(['serve', '-v']), { name: 'serve', argv: ['-v'] })
    assert.deepEqual(readCommandLine(['tail', 'serve']), { name: 'tail', argv: ['serve'] })
    assert.deepEqual(readCommandLine(['help', 'tail', 'x']), { name: 'tail', argv: ['--help'] })
    for (const word of ['', 'Tail', 'constructor']) {
      assertUnusable(() => readCommandLine([word]), /unknown command .*; there are serve, /)
    }
  })
})

describe('the order to publish', () => {
  it('has a topic, and data or standard input', () => {
    assert.equal(publishOf(['pets']).data, undefined)
    assert.equal(publishOf(['pets', '-']).data, undefined)
    assert.equal(publishOf(['pets', '']).data, '')
    assert.equal(publishOf(['--', 'pets', '-5']).data, '-5')
    assert.equal(publishOf(['--id', '7', 'pets', '--event', 'bark', 'woof']).data, 'woof')
    assertUnusable(() => readPublish([], {}), /publish needs a topic/)
    assertUnusable(() => readPublish([''], {}), /the topic is empty/)
    assertUnusable(() => readPublish(['pets', 'a', 'b'], {}), /one text as data, and got b too/)
    assertUnusable(() => readPublish(['pets', '-5'], {}), /unknown option -5.*-- goes before data/)
  })

  it('takes no name, id or retry with a batch', () => {
    for (const name of ['event', 'id', 'retry']) {
      const argv = ['pets', '--ndjson', `--${name}`, '7']
      assertUnusable(() => readPublish(argv, {}), new RegExp(`--${name} cannot be with --ndjson`))
    }
  })

  it('bounds retry as the server does', () => {
    for (const retry of ['0', '2147483647']) {
      assert.equal(publishOf(['pets', '--retry', retry]).options.retry, retry)
    }
    for (const retry of ['2147483648', '1.5', 'soon', '']) {
      assertUnusable(() => readPublish(['pets', '--retry', retry], {}), /--retry: /)
    }
  })

  it('goes to --url, CARILLON_URL, the port of PORT, 8080, in that order', () => {
    const url = (argv: string[], env: NodeJS.ProcessEnv) =>
      publishOf(['x', ...argv], env).options.url
    const env = { CARILLON_URL: 'https://b/sse', PORT: '9000' }
    assert.equal(url(['--url', 'http://a:1'], env), 'http://a:1')
    assert.equal(url([], env), 'https://b/sse')
    assert.equal(url([], { ...env, CARILLON_URL: '' }), 'http://127.0.0.1:9000')
    assert.equal(url([], {}), 'http://127.0.0.1:8080')
    for (const PORT of ['0', '65536', 'abc', 'tcp://10.0.0.1:80']) {
      assertUnusable(() => readPublish(['x'], { PORT }), /^PORT: /)
      assert.equal(url(['--url', 'http://a:1'], { PORT }), 'http://a:1')
    }
    for (const bad of ['a:80', 'ftp://a', 'http://a?b', 'http://a#b', 'http://']) {
      assertUnusable(() => readPublish(['x', '--url', bad], {}), /--url: /)
    }
    assert.throws(
      () => readPublish(['x', '--url', 'http://me:hunter2@a'], {}),
      (error: Error) => {
        return error.message.startsWith('--url: ') && !error.message.includes('hunter2')
      },
    )
  })

  it('has the token of the flags before that of the environment', () => {
    const env = { CARILLON_PUBLISH_TOKEN: OTHER, CARILLON_SUBSCRIBE_TOKEN: TOKEN }
    assert.equal(publishOf(['x', '--token', TOKEN], env).token, TOKEN)
    assert.equal(publishOf(['x'], env).token, OTHER)
    assert.equal(tailOf(['x'], env).token, TOKEN)
    assert.equal(publishOf(['x']).token, undefined)
    assert.equal(publishOf(['x'], { CARILLON_PUBLISH_TOKEN: ` ${TOKEN} ,${OTHER}` }).token, TOKEN)
    assertUnusable(() => readPublish(['x'], { CARILLON_PUBLISH_TOKEN: 'short' }), /_TOKEN: \*\*\* /)
  })
})

describe('the order to tail', () => {
  it('has a topic or a URL', () => {
    assert.equal(tailOf(['pets/dogs']).target, 'pets/dogs')
    assert.equal(tailOf(['/localhost:8080/x']).target, '/localhost:8080/x')
    assert.deepEqual(tailOf(['HTTPS://h/x?y=1']).target, new URL('https://h/x?y=1'))
    assertUnusable(() => readTail([], {}), /tail needs a topic, \/ for all, or a URL/)
    assertUnusable(() => readTail(['a', 'b'], {}), /takes one stream, and got b too/)
    assertUnusable(() => readTail(['ftp://h/x'], {}), /must be a topic, or an http or https URL/)
    assertUnusable(() => readTail(['http://me:hunter2@h/x'], {}), /^tail: http:\/\/me:\*\*\*@h\/x/)
    for (const bare of ['localhost:8080/subscribe/x', 'example.org:443']) {
      assertUnusable(() => readTail([bare], {}), /may be a URL without http:\/\/; a topic of that/)
    }
  })
})

describe('each number of a client', () => {
  const tables: readonly (readonly [typeof readPublish | typeof readTail, object])[] = [
    [readPublish, publishOptions],
    [readTail, tailOptions],
  ]
  for (const [read, table] of tables) {
    for (const [name, spec] of Object.entries(table as Record<string, OptionSpec>)) {
      if (spec.kind !== 'integer') continue
      it(`${read.name} ${flagOf(name)} is from ${spec.min} to ${spec.max}`, () => {
        for (const good of [spec.min, spec.max]) {
          const order = read(['x', flagOf(name), `${good}`], {})
          assert.ok(order !== 'help')
          assert.equal((order.options as Record<string, unknown>)[name], good)
        }
        for (const bad of [`${spec.max + 1}`, `${spec.min - 1}`, 'x']) {
          assertUnusable(() => read(['x', `${flagOf(name)}=${bad}`], {}), /must be a whole number/)
        }
        const order = read(['x'], {})
        assert.ok(order !== 'help')
        assert.equal((order.options as Record<string, unknown>)[name], spec.default)
      })
    }
  }
})

const woof: Arrival = {
  at: 1_700_000_000_000,
  event: 'message',
  id: undefined,
  data: 'woof',
  connection: 1,
  skipped: 0,
  lagMs: undefined,
}

describe('an event as a line', () => {
  it('is JSON that reads back, whatever is in it, and has no control character', () => {
    const text = fc.string({ unit: 'binary' })
    fc.assert(
      fc.property(text, text, text, (event, id, data) => {
        const line = jsonLine({ ...woof, event, id, data })
        const read = JSON.parse(line) as Record<string, unknown>
        assert.deepEqual(read, { at: '2023-11-14T22:13:20.000Z', event, id, data, connection: 1 })
        // biome-ignore lint/suspicious/noControlCharactersInRegex: controls are what is looked for.
        assert.doesNotMatch(line, /[\u0000-\u001f\u007f-\u009f]/)
      }),
    )
  })

  it('is text without a control character but tab and line feed', () => {
    const text = fc.string({ unit: 'binary' })
    fc.assert(
      fc.property(text, text, text, (event, id, data) => {
        const line = textLine({ ...woof, event, id, data, lagMs: 5 }, (_, shown) => shown)
        // biome-ignore lint/suspicious/noControlCharactersInRegex: controls are what is looked for.
        assert.doesNotMatch(line, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/)
      }),
    )
  })

  it('has a colour for its lag by how late it is', () => {
    const styles = [-5, 0, 999, 1000, 9999, 10_000].map((lagMs) => {
      const line = textLine({ ...woof, lagMs }, (style, text) => `<${style} ${text}>`)
      return /<(green|yellow|red) ([^>]+)>/.exec(line)?.slice(1).join(' ')
    })
    const late = ['yellow +1000ms', 'yellow +9999ms', 'red +10000ms']
    assert.deepEqual(styles, ['green -5ms', 'green +0ms', 'green +999ms', ...late])
  })
})

describe('the lag of an event', () => {
  it('is from the time in its data: ms or seconds since 1970, or a date', () => {
    const meter = new LagMeter('/sent')
    const now = Date.UTC(2026, 0, 2, 3, 4, 5)
    const lags = [now - 7, (now - 7) / 1000, `${now - 7}`, '2026-01-02T03:04:04.993Z', now + 7]
    const read = lags.map((sent) => meter.read(JSON.stringify({ sent }), now))
    assert.deepEqual(read, [7, 7, 7, 7, -7])
    for (const data of ['{"sent":null}', '{"sent":"x"}', '{"sent":{}}', '[]', '7', '', '{']) {
      assert.equal(meter.read(data, now), undefined, data)
    }
  })
})
