// Options, case by case made from their one table: bounds, precedence, and errors that name the
// option, the value and what it must be.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import fc from 'fast-check'
import { helpText, optionPage } from '../../src/config/help.ts'
import { type Config, envOf, flagOf, type OptionName, options } from '../../src/config/option.ts'
import { parseCommand, resolveConfig } from '../../src/config/parse.ts'
import { presets } from '../../src/config/preset.ts'
import type { OptionSpec } from '../../src/config/spec.ts'
import { boundOf } from '../../src/config/value.ts'
import { CarillonError } from '../../src/error.ts'

const table = Object.entries(options) as [OptionName, OptionSpec][]
const folder = mkdtempSync(join(tmpdir(), 'carillon-options-'))
after(() => rmSync(folder, { recursive: true }))

let files = 0
const TOKEN = 'abcdefghijklmnop'

function fileOf(text: string): string {
  const path = join(folder, `${++files}.jsonc`)
  writeFileSync(path, text)
  return path
}

function configOf(argv: readonly string[], env: NodeJS.ProcessEnv = {}): Config {
  const command = parseCommand(argv, env)
  assert.ok(command.run === 'serve', command.run)
  return command.config
}

/** The error of what cannot be used; with it, that it is one line and a usage error. */
function errorOf(run: () => unknown): CarillonError {
  try {
    run()
  } catch (error) {
    assert.ok(error instanceof CarillonError, String(error))
    assert.ok(!error.message.includes('\n'), error.message)
    assert.equal(error.exitCode, 2)
    return error
  }
  return assert.fail('accepted')
}

interface Way {
  readonly label: string
  readonly config: () => Config
}

/** A value as text, by each way that takes text: its label in errors, and the reading. */
function textWays(name: OptionName, text: string): Way[] {
  const flag = flagOf(name)
  return [
    { label: flag, config: () => configOf([`${flag}=${text}`]) },
    { label: envOf(name), config: () => configOf([], { [envOf(name)]: text }) },
  ]
}

/** A typed value, by each way that takes one. */
function typedWays(name: OptionName, value: unknown): Way[] {
  const path = fileOf(JSON.stringify({ [name]: value }))
  return [
    { label: `${path}: ${name}`, config: () => configOf(['--config', path]) },
    { label: name, config: () => resolveConfig({ [name]: value } as Partial<Config>) },
  ]
}

function expectRefused({ label, config }: Way, shown: string, spec: OptionSpec): void {
  const error = errorOf(config)
  assert.equal(error.code, 'bad_value')
  const start = `${label}: ${shown} cannot be used`
  const end = `: it must be ${boundOf(spec)}`
  assert.ok(error.message.startsWith(start) && error.message.endsWith(end), error.message)
  // Of a list of objects it also says which item, and why; of others there is nothing to say.
  const why = error.message.slice(start.length, -end.length)
  assert.match(why, spec.kind === 'records' ? /^ \(it is no list|item 1: .+\)$/ : /^$/)
}

function isSecret(spec: OptionSpec): boolean {
  return spec.kind === 'list' && spec.isSecret === true
}

interface Cases {
  /** What can be used: the text and the value that it means. */
  readonly good: readonly (readonly [text: string, value: unknown])[]
  readonly badTexts: readonly string[]
  readonly badValues: readonly unknown[]
}

/** Of a list that is empty by default: tokens, or files of them. */
function itemsOf({ default: items, isSecret }: OptionSpec & { kind: 'list' }): readonly string[] {
  if (items.length > 0) return items
  return isSecret ? [TOKEN, `${TOKEN}-too`] : [fileOf(TOKEN)]
}

function casesOf(spec: OptionSpec): Cases {
  switch (spec.kind) {
    case 'integer':
      return {
        good: [spec.min, spec.max].map((value) => [String(value), value]),
        badTexts: [`${spec.max + 1}`, `${spec.min - 1}`, '1.5', '1e3', '0x10', '-1', 'x', '1 '],
        badValues: [spec.max + 1, spec.min - 1, spec.min + 0.5, `${spec.min}`, null, true, [1]],
      }
    case 'choice':
      return {
        good: spec.choices.map((choice) => [choice, choice]),
        badTexts: ['other', spec.choices[0]?.toUpperCase() as string, `${spec.choices[0]} `],
        badValues: ['', 1, null, [spec.choices[0]]],
      }
    case 'switch':
      return {
        good: [
          ['true', true],
          ['false', false],
        ],
        badTexts: ['yes', '1', 'TRUE'],
        badValues: ['true', 0, null],
      }
    case 'text': {
      const good = spec.check === undefined ? 'some text' : (spec.default as string)
      const badTexts = spec.check === undefined ? [] : ['some text']
      const empty = spec.isOptional === true ? [] : ['']
      return { good: [[good, good]], badTexts, badValues: [...badTexts, ...empty, 1, null, ['x']] }
    }
    case 'list': {
      const items = itemsOf(spec)
      const [first] = items
      // Any text can be a path.
      const wrong = spec.check('?') ? [] : ['?', `${first},?`]
      return {
        good: [
          ['none', []],
          [items.join(','), items],
          [items.join(' , '), items],
        ],
        badTexts: [...wrong, `${first},`],
        badValues: [first, [1], [null], {}, [...items, '']],
      }
    }
    case 'records': {
      const items = Object.values(presets.emojitracker({})).find(
        (value) => Array.isArray(value) && spec.check(value[0]) === undefined,
      ) as object[]
      return {
        good: [
          ['none', []],
          [JSON.stringify(items), items],
        ],
        badTexts: ['{}', '[null]', '[{}]', '[', 'x'],
        badValues: [{}, 'x', 1, null, [1], [[]], [{ ...items[0], other: 1 }]],
      }
    }
  }
}

describe('each option', () => {
  for (const [name, spec] of table) {
    const { good, badTexts, badValues } = casesOf(spec)

    it(`${name} takes ${boundOf(spec)}, by flag, variable, file and program`, () => {
      for (const [text, value] of good) {
        for (const { label, config } of [...textWays(name, text), ...typedWays(name, value)]) {
          assert.deepEqual(config()[name], value, label)
        }
      }
    })

    it(`${name} refuses anything else, naming itself, the value and the bound`, () => {
      for (const text of badTexts) {
        // A list is read before it is checked.
        const read = spec.kind === 'list' ? JSON.stringify(text.split(',')) : text
        const shown = isSecret(spec) ? '***' : read
        for (const way of textWays(name, text)) expectRefused(way, shown, spec)
      }
      for (const value of badValues) {
        const text = typeof value === 'string' ? value : JSON.stringify(value)
        const shown = isSecret(spec) ? '***' : text
        for (const way of typedWays(name, value)) expectRefused(way, shown, spec)
      }
    })
  }

  it('has a default that it would take itself', () => {
    const defaults = resolveConfig({})
    assert.deepEqual(resolveConfig({ ...defaults }), defaults)
    assert.deepEqual(Object.keys(defaults), Object.keys(options))
  })

  it('has a flag and a variable of its own', () => {
    const names = Object.keys(options) as OptionName[]
    assert.equal(new Set(names.map(flagOf)).size, names.length)
    assert.equal(new Set(names.map(envOf)).size, names.length)
    assert.equal(flagOf('lagBytesMax'), '--lag-bytes-max')
    assert.equal(envOf('lagBytesMax'), 'CARILLON_LAG_BYTES_MAX')
    assert.equal(envOf('port'), 'PORT')
  })
})

describe('any mixture of places', () => {
  const mixed = ['port', 'threads', 'lagBytesMax', 'drainSeconds', 'shardRestartsMax'] as const
  /** Whole numbers, in bounds and not, and what is no number. */
  const text = fc.oneof(fc.integer({ min: -2, max: 100_000 }).map(String), fc.constant('x'))
  const values = fc.dictionary(fc.constantFrom(...mixed), text, { maxKeys: mixed.length })

  function isGood(name: OptionName, value: string): boolean {
    const spec = options[name] as OptionSpec & { kind: 'integer' }
    return /^\d+$/.test(value) && Number(value) >= spec.min && Number(value) <= spec.max
  }

  it('gives what the first of flag, variable and file says, or an error that names a bad one', () => {
    const preset = fc.constantFrom('pillarbox' as const, 'emojitracker' as const)
    fc.assert(
      fc.property(values, values, values, preset, (flags, variables, file, which) => {
        const inFile = Object.entries(file).map(([name, value]) => {
          return [name, /^-?\d+$/.test(value) ? Number(value) : value]
        })
        const path = fileOf(JSON.stringify(Object.fromEntries(inFile)))
        const argv = Object.entries(flags).map(([name, value]) => `${flagOf(name)}=${value}`)
        const env = Object.fromEntries(
          Object.entries(variables).map(([name, value]) => [envOf(name as OptionName), value]),
        )
        const layers = [flags, variables, file]
        const bad = layers.flatMap((layer) =>
          Object.entries(layer).filter(([name, value]) => !isGood(name as OptionName, value)),
        )
        const run = (): Config => configOf([...argv, `--preset=${which}`, '--config', path], env)
        if (bad.length > 0) {
          const { message } = errorOf(run)
          const names = bad.flatMap(([name]) => [name, flagOf(name), envOf(name as OptionName)])
          assert.ok(
            names.some((name) => message.includes(name)),
            message,
          )
          return
        }
        const config = run()
        for (const name of mixed) {
          const first = layers.find((layer) => layer[name] !== undefined)?.[name]
          const fallback = presets[which]({})[name] ?? resolveConfig({})[name]
          assert.equal(config[name], first === undefined ? fallback : Number(first), name)
        }
      }),
    )
  })
})

describe('precedence', () => {
  it('is flag, variable, file, preset, default', () => {
    const path = fileOf('{ "port": 1003 }')
    const bare = fileOf('{}')
    const rows: readonly [argv: string[], env: NodeJS.ProcessEnv, port: number][] = [
      [['--config', path, '--port', '1001', '--preset', 'emojitracker'], { PORT: '1002' }, 1001],
      [['--config', path, '--preset', 'emojitracker'], { PORT: '1002' }, 1002],
      [['--config', path, '--preset', 'emojitracker'], {}, 1003],
      [['--config', bare, '--preset', 'emojitracker'], {}, 8001],
      [['--config', bare], {}, 8080],
    ]
    for (const [argv, env, port] of rows) assert.equal(configOf(argv, env).port, port)
  })

  it('holds for each option by itself', () => {
    const path = fileOf('{ "port": 1, "threads": 2, "drainSeconds": 3 }')
    const env = { CARILLON_THREADS: '4', CARILLON_DRAIN_SECONDS: '5' }
    const { port, threads, drainSeconds } = configOf(
      ['--config', path, '--drain-seconds', '6'],
      env,
    )
    assert.deepEqual([port, threads, drainSeconds], [1, 4, 6])
  })

  it('lets false, 0 and an empty list win over what is below', () => {
    const path = fileOf('{ "userIp": true, "port": 1, "corsOrigins": ["*"] }')
    const { userIp, port, corsOrigins } = configOf(
      ['--no-user-ip', '--port', '0', '--cors-origins', 'none', '--config', path],
      { CARILLON_USER_IP: 'true', PORT: '2' },
    )
    assert.deepEqual([userIp, port, corsOrigins], [false, 0, []])
  })

  it('takes the preset from any place, and each place over the preset', () => {
    const path = fileOf('{ "preset": "emojitracker" }')
    const ways = [
      configOf(['--preset=emojitracker']),
      configOf([], { CARILLON_PRESET: 'emojitracker' }),
      configOf(['--config', path]),
      resolveConfig({ preset: 'emojitracker' }),
    ]
    for (const { port, apiEvents } of ways) assert.deepEqual([port, apiEvents], [8001, 'loopback'])
    const { port, apiEvents } = configOf(['--config', path, '--api-events', 'public'])
    assert.deepEqual([port, apiEvents], [8001, 'public'])
  })

  it('of a flag given twice, the last one counts', () => {
    assert.equal(configOf(['--port', '1', '--port=2']).port, 2)
    assert.equal(configOf(['--no-user-ip', '--user-ip']).userIp, true)
  })

  it('counts an empty variable as absent', () => {
    assert.equal(configOf([], { PORT: '', CARILLON_CONFIG: '' }).port, 8080)
  })

  it('finds the file by CARILLON_CONFIG, and --config wins over it', () => {
    const [one, two] = [fileOf('{ "port": 1 }'), fileOf('{ "port": 2 }')]
    assert.equal(configOf([], { CARILLON_CONFIG: one }).port, 1)
    assert.equal(configOf(['--config', two], { CARILLON_CONFIG: one }).port, 2)
  })
})

describe('the command line', () => {
  it('asks for help or the version', () => {
    for (const flag of ['--help', '-h']) assert.deepEqual(parseCommand([flag], {}), { run: 'help' })
    for (const flag of ['--version', '-v']) {
      assert.deepEqual(parseCommand([flag], {}), { run: 'version' })
    }
  })

  const unknown: readonly [argv: string[], what: string][] = [
    [['--prot', '1'], '--prot'],
    [['--lagBytesMax=1024'], '--lagBytesMax'],
    [['-p', '1'], '-p'],
    [['serve'], 'serve'],
    [['--', '--port'], '--port'],
    [['--no-port'], '--no-port'],
    [['--no-threads=1'], '--no-threads'],
    [['--user-ip', 'false'], 'false'],
  ]
  for (const [argv, what] of unknown) {
    it(`${argv.join(' ')}: ${what} is unknown`, () => {
      const error = errorOf(() => configOf(argv))
      assert.equal(error.code, 'unknown_option')
      assert.ok(error.message.includes(`unknown option ${what};`), error.message)
    })
  }

  for (const argv of [
    ['--port'],
    ['--port', '--threads', '2'],
    ['--config'],
    ['--config', '--x'],
  ]) {
    it(`${argv.join(' ')}: a value is missing`, () => {
      const error = errorOf(() => configOf(argv))
      assert.equal(error.code, 'bad_value')
      assert.equal(error.message, `${argv[0]} needs a value`)
    })
  }

  it('switches off with --no- and takes no value with it', () => {
    assert.equal(configOf(['--no-user-ip']).userIp, false)
    const error = errorOf(() => configOf(['--no-user-ip=true']))
    assert.equal(error.message, '--no-user-ip: true cannot be used: it must be no value')
  })

  it('takes a negative number for a value that is out of bounds, not for a flag', () => {
    assert.match(errorOf(() => configOf(['--port', '-1'])).message, /^--port: -1 cannot be used/)
  })
})

describe('lists', () => {
  const origins: readonly [item: string, isGood: boolean][] = [
    ['*', true],
    ['https://example.org', true],
    ['http://localhost:3000', true],
    ['https://example.org/', false],
    ['https://EXAMPLE.org', false],
    ['https://example.org:443', false],
    ['example.org', false],
    ['*.example.org', false],
    ['null', false],
  ]
  const ranges: readonly [item: string, isGood: boolean][] = [
    ['10.0.0.0/8', true],
    ['10.0.0.1', true],
    ['0.0.0.0/0', true],
    ['::1', true],
    ['fc00::/7', true],
    ['10.0.0.0/33', false],
    ['fc00::/129', false],
    ['10.0.0.0/', false],
    ['10.0.0.256', false],
    ['localhost', false],
  ]
  for (const [name, items] of [
    ['corsOrigins', origins],
    ['trustProxy', ranges],
  ] as const) {
    for (const [item, isGood] of items) {
      it(`${name} ${isGood ? 'takes' : 'refuses'} ${item}`, () => {
        const read = (): Config => resolveConfig({ [name]: [item] })
        if (isGood) assert.deepEqual(read()[name], [item])
        else assert.equal(errorOf(read).code, 'bad_value')
      })
    }
  }
})

describe('the config file', () => {
  it('is JSON with comments and trailing commas', () => {
    const path = fileOf('// ours\n{\n  "port": 1, /* and */ "corsOrigins": ["*",], // more\n}\n')
    assert.equal(configOf(['--config', path]).port, 1)
  })

  const bad: readonly [text: string, what: RegExp][] = [
    ['{\n  "port": 1\n  "threads": 2\n}', /: line 3: CommaExpected$/],
    ['// one\n// two\n{ port: 1 }', /: line 3: InvalidSymbol$/],
    ['{\n"port": 1', /: line 2: CloseBraceExpected$/],
    ['', /: line 1: ValueExpected$/],
    ['[]', /must hold one JSON object$/],
    ['null', /must hold one JSON object$/],
    ['"port"', /must hold one JSON object$/],
  ]
  for (const [text, what] of bad) {
    it(`${JSON.stringify(text)}: ${what.source}`, () => {
      const path = fileOf(text)
      const error = errorOf(() => configOf(['--config', path]))
      assert.equal(error.code, 'bad_config_file')
      assert.ok(error.message.startsWith(`--config ${path}: `), error.message)
      assert.match(error.message, what)
    })
  }

  it('names an option that it does not have, with the file', () => {
    const path = fileOf('{ "prot": 1 }')
    const error = errorOf(() => configOf(['--config', path]))
    assert.equal(error.code, 'unknown_option')
    assert.ok(error.message.includes(`${path}: prot`), error.message)
  })

  it('must be there', () => {
    const path = join(folder, 'absent.jsonc')
    const error = errorOf(() => configOf([], { CARILLON_CONFIG: path }))
    assert.equal(error.code, 'bad_config_file')
    assert.ok(error.message.includes(path) && error.message.includes('ENOENT'), error.message)
    assert.ok(error.cause instanceof Error)
  })
})

describe('the values of a program', () => {
  it('refuse a name that is no option, and skip one without a value', () => {
    const error = errorOf(() => resolveConfig({ prot: 1 } as Partial<Config>))
    assert.equal(error.code, 'unknown_option')
    assert.match(error.message, /unknown option prot;/)
    assert.equal(errorOf(() => resolveConfig({ toString: 1 } as object)).code, 'unknown_option')
    const values: { port?: number | undefined } = { port: undefined }
    assert.equal(resolveConfig(values as Partial<Config>).port, 8080)
  })

  it('read no variable but for the defaults that say so', () => {
    const env = { PORT: '1', NODE_ENV: 'production', DYNO: 'web.1' }
    const { port, nodeName } = resolveConfig({}, env)
    assert.deepEqual([port, nodeName], [8080, 'node-production-web.1'])
    assert.match(resolveConfig({}, { GO_ENV: 'staging' }).nodeName, /^node-staging-./)
    assert.match(resolveConfig({}, {}).nodeName, /^node-development-./)
  })
})

describe('the preset emojitracker', () => {
  it('takes its feed from Redis and packs the scores', () => {
    const { redisUrl, redisSubscriptions, rollups } = configOf(['--preset', 'emojitracker'])
    assert.equal(redisUrl, 'redis://localhost:6379')
    assert.deepEqual(redisSubscriptions, [
      { channel: 'stream.score_updates', topic: '/raw' },
      { pattern: 'stream.tweet_updates.*', topic: '/details/{1}', event: '{channel}' },
    ])
    assert.deepEqual(rollups, [{ from: '/raw', to: '/eps', everyMs: 17 }])
  })

  it('reports its status in staging and production only', () => {
    const seconds = (env: NodeJS.ProcessEnv): number =>
      configOf(['--preset', 'emojitracker'], env).statusReportSeconds
    assert.equal(seconds({}), 0)
    assert.equal(seconds({ NODE_ENV: 'development' }), 0)
    assert.equal(seconds({ NODE_ENV: 'production' }), 5)
    assert.equal(seconds({ GO_ENV: 'Staging' }), 5)
    assert.equal(configOf([], { NODE_ENV: 'production' }).statusReportSeconds, 0)
  })
})

describe('REDIS_URL', () => {
  it('is never shown with its password', () => {
    const error = errorOf(() => configOf([], { REDIS_URL: 'http://ann:secret@localhost' }))
    assert.match(error.message, /^REDIS_URL: http:\/\/ann:\*\*\*@localhost cannot be used/)
  })
})

describe('the config', () => {
  it('cannot be changed', () => {
    const config = resolveConfig({})
    assert.ok(Object.isFrozen(config))
    assert.throws(() => Object.assign(config, { port: 1 }), TypeError)
  })

  it('cannot be changed by way of its lists, neither those given nor the defaults', () => {
    const given = ['https://example.org']
    const config = resolveConfig({ corsOrigins: given })
    given.push('anything')
    assert.deepEqual(config.corsOrigins, ['https://example.org'])
    const { trustProxy } = resolveConfig({})
    assert.throws(() => (trustProxy as string[]).push('0.0.0.0/0'), TypeError)
  })
})

describe('the help', () => {
  it('is at most 80 columns wide', () => {
    const wide = helpText()
      .split('\n')
      .filter((line) => line.length > 80)
    assert.deepEqual(wide, [])
  })

  for (const [name, spec] of table) {
    it(`tells of ${name}: its flag, variable, meaning and bound; and so does the page`, () => {
      const text = helpText().replace(/\s+/g, ' ')
      assert.ok(text.includes(` ${flagOf(name)} (${envOf(name)}) ${spec.doc} Default: `))
      assert.ok(text.includes(` Must be ${boundOf(spec)}.`))
      const row = optionPage()
        .split('\n')
        .find((line) => line.startsWith(`| \`${name}\` |`))
      for (const cell of [flagOf(name), envOf(name), boundOf(spec), spec.doc]) {
        assert.ok(row?.includes(cell), cell)
      }
    })
  }
})
