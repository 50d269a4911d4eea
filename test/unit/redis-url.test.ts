// The URLs of a Redis: what each part may be, what is no such URL, and that no password is shown.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  isRedisUrl,
  parseRedisUrl,
  type RedisAddress,
  redactUrl,
} from '../../src/config/redis-url.ts'

const single: RedisAddress = {
  kind: 'single',
  isTls: false,
  nodes: [{ host: 'h', port: 6379 }],
  username: undefined,
  password: undefined,
  database: 0,
  master: undefined,
}
const sentinel: RedisAddress = {
  ...single,
  kind: 'sentinel',
  nodes: [{ host: 'h', port: 26_379 }],
  master: 'm',
}
const cluster: RedisAddress = { ...single, kind: 'cluster' }

function at(...nodes: readonly [host: string, port: number][]): Pick<RedisAddress, 'nodes'> {
  return { nodes: nodes.map(([host, port]) => ({ host, port })) }
}

const good: readonly [url: string, address: RedisAddress][] = [
  ['redis://h', single],
  ['redis://h/', single],
  ['redis://h:6379/0', single],
  ['redis://localhost:1', { ...single, ...at(['localhost', 1]) }],
  ['redis://h:65535', { ...single, ...at(['h', 65_535]) }],
  ['redis://h:00080', { ...single, ...at(['h', 80]) }],
  ['rediss://h', { ...single, isTls: true }],
  ['redis://h/7', { ...single, database: 7 }],
  ['redis://h/9999/', { ...single, database: 9999 }],
  ['redis://10.0.0.1', { ...single, ...at(['10.0.0.1', 6379]) }],
  ['redis://[::1]', { ...single, ...at(['::1', 6379]) }],
  ['redis://[2001:DB8::1]:7000/2', { ...single, ...at(['2001:DB8::1', 7000]), database: 2 }],
  ['redis://[::ffff:10.0.0.1]', { ...single, ...at(['::ffff:10.0.0.1', 6379]) }],
  ['redis://u:p@h', { ...single, username: 'u', password: 'p' }],
  ['redis://u@h', { ...single, username: 'u' }],
  ['redis://:p@h', { ...single, password: 'p' }],
  ['redis://u:@h', { ...single, username: 'u' }],
  ['redis://:@h', single],
  ['redis://@h', single],
  ['redis://u:p@[::1]:1', { ...single, ...at(['::1', 1]), username: 'u', password: 'p' }],
  ['redis://a%3Ab:c%3Ad@h', { ...single, username: 'a:b', password: 'c:d' }],
  ['redis://:%40%2F%3A%3F%23%25%5B@h', { ...single, password: '@/:?#%[' }],
  ['redis://:%C3%A9%F0%9F%98%80@h', { ...single, password: 'é😀' }],
  ['redis://:p@ss@h', { ...single, password: 'p@ss' }],
  ['redis://:@@h', { ...single, password: '@' }],
  ['redis://u@x:p@h', { ...single, username: 'u@x', password: 'p' }],
  ['redis://:a:b@h', { ...single, password: 'a:b' }],
  ['redis://:a?b#c[d]@h', { ...single, password: 'a?b#c[d]' }],
  ['redis://:a+b c@h', { ...single, password: 'a+b c' }],
  ['redis+sentinel://h/m', sentinel],
  ['rediss+sentinel://h/m', { ...sentinel, isTls: true }],
  ['redis+sentinel://h/m/3', { ...sentinel, database: 3 }],
  ['redis+sentinel://h/my%20m%40ster', { ...sentinel, master: 'my m@ster' }],
  ['redis+sentinel://h/3', { ...sentinel, master: '3' }],
  [
    'redis+sentinel://u:p@a,b:1,[::1],[::2]:2/m',
    {
      ...sentinel,
      ...at(['a', 26_379], ['b', 1], ['::1', 26_379], ['::2', 2]),
      username: 'u',
      password: 'p',
    },
  ],
  ['redis+cluster://h', cluster],
  ['redis+cluster://h/0', cluster],
  [
    'rediss+cluster://:a,b@a,b:7001',
    {
      ...cluster,
      ...at(['a', 6379], ['b', 7001]),
      isTls: true,
      password: 'a,b',
    },
  ],
]

const bad: readonly [url: string, why: string][] = [
  ['', 'nothing'],
  ['localhost', 'no scheme'],
  ['localhost:6379', 'no scheme but a port'],
  ['http://h', 'another scheme'],
  ['REDIS://h', 'capitals'],
  ['redis:h', 'no slashes'],
  ['redis:/h', 'one slash'],
  ['redis+socket://h', 'another form'],
  ['redis+sentinels://h/m', 'nearly a form'],
  ['unix:///var/run/redis.sock', 'a socket'],
  ['redis://', 'no host'],
  ['redis:///0', 'no host but a database'],
  ['redis://u:p@', 'no host behind a password'],
  ['redis://:6379', 'a port alone'],
  ['redis://u:p', 'a user and no host'],
  ['redis://h:0', 'port 0'],
  ['redis://h:65536', 'a port past the last'],
  ['redis://h:123456', 'a port of six digits'],
  ['redis://h:', 'a port without digits'],
  ['redis://h:-1', 'a negative port'],
  ['redis://h:1x', 'a port with a letter'],
  ['redis://h:1:2', 'two ports'],
  ['redis://::1', 'IPv6 without brackets'],
  ['redis://[::1', 'a bracket that does not close'],
  ['redis://[]', 'no address in brackets'],
  ['redis://[h]', 'a name in brackets'],
  ['redis://[::1%25eth0]', 'an IPv6 zone'],
  ['redis://[::1]6379', 'a port without its colon'],
  ['redis://a h', 'a space in the host'],
  ['redis://h\n', 'a line end behind it'],
  [' redis://h', 'a space before it'],
  ['redis://h/x', 'a database that is no number'],
  ['redis://h/-1', 'a negative database'],
  ['redis://h/10000', 'a database of five digits'],
  ['redis://h/0/1', 'two databases'],
  ['redis://h?db=1', 'a query'],
  ['redis://h/0?db=1', 'a query behind the database'],
  ['redis://h/0#x', 'a fragment'],
  ['redis://a,b', 'two servers without a form'],
  ['redis://:%@h', 'half an encoding in a password'],
  ['redis://:%zz@h', 'no hexadecimal in a password'],
  ['redis://:%ff@h', 'a password that is not UTF-8'],
  ['redis://%ff:p@h', 'a user that is not UTF-8'],
  ['redis://:a/b@h', 'a bare slash in a password'],
  ['redis://u:1/2@h', 'a bare slash in a password that begins like a port'],
  ['redis+sentinel://u:1/2@h', 'the same, where the rest could be the name of a master'],
  ['redis+sentinel://h', 'Sentinels and no master'],
  ['redis+sentinel://h/', 'Sentinels and an empty master'],
  ['redis+sentinel://h/%ff', 'a master that is not UTF-8'],
  ['redis+sentinel://h/m/x', 'a master and no number'],
  ['redis+sentinel://h/m/0/1', 'a master and two numbers'],
  ['redis+sentinel://a,,b/m', 'an empty node'],
  ['redis+sentinel://a,/m', 'an empty last node'],
  ['redis+cluster://,a', 'an empty first node'],
  ['redis+cluster://a, b', 'a space in a list'],
  ['redis+cluster://a,b:0', 'a bad port in a list'],
  ['redis+cluster://h/1', 'a Cluster has database 0 only'],
  ['redis+cluster://h/m', 'a Cluster has no master'],
]

describe('the URL of a Redis', () => {
  for (const [url, address] of good) {
    it(`${url} can be used`, () => {
      assert.deepEqual(parseRedisUrl(url), address)
      assert.equal(isRedisUrl(url), true)
    })
  }

  for (const [url, why] of bad) {
    it(`${JSON.stringify(url)} cannot be used: ${why}`, () => {
      assert.equal(parseRedisUrl(url), undefined)
      assert.equal(isRedisUrl(url), false)
    })
  }

  // All that may stand in a part as it is; `encodeURIComponent` leaves !'()*~ alone too.
  const secret = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => text.isWellFormed())
  const odd = fc.string({ unit: fc.constantFrom(...'@:/?#[]%,+ \n\\"\'é😀a'), minLength: 1 })
  const text = fc.option(fc.oneof(secret, odd), { nil: undefined })
  const host = fc.oneof(
    fc.domain(),
    fc.ipV4(),
    fc.ipV6(),
    fc.constantFrom('localhost', 'redis_1', 'r-0.redis.svc.cluster.local'),
  )
  const port = fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined })
  const nodes = fc.array(fc.record({ host, port }), { minLength: 1, maxLength: 4 })
  const parts = fc.record({
    kind: fc.constantFrom('single' as const, 'sentinel' as const, 'cluster' as const),
    isTls: fc.boolean(),
    nodes,
    username: text,
    password: text,
    database: fc.option(fc.nat({ max: 9999 }), { nil: undefined }),
    master: fc.oneof(secret, odd),
  })

  it('gives back the parts that it was made of', () => {
    fc.assert(
      fc.property(parts, (made) => {
        const { kind, isTls, username, password, master } = made
        const list = kind === 'single' ? made.nodes.slice(0, 1) : made.nodes
        const database = kind === 'cluster' ? undefined : made.database
        const shown = list.map(({ host, port }) => {
          const name = host.includes(':') ? `[${host}]` : host
          return port === undefined ? name : `${name}:${port}`
        })
        const scheme = `redis${isTls ? 's' : ''}${kind === 'single' ? '' : `+${kind}`}`
        const encoded = (part = ''): string => encodeURIComponent(part)
        const login = `${encoded(username)}${password === undefined ? '' : `:${encoded(password)}`}`
        const path = `${kind === 'sentinel' ? `/${encoded(master)}` : ''}/${database ?? ''}`
        const url = `${scheme}://${login === '' ? '' : `${login}@`}${shown.join(',')}${path}`
        const defaultPort = kind === 'sentinel' ? 26_379 : 6379
        assert.deepEqual(parseRedisUrl(url), {
          kind,
          isTls,
          nodes: list.map(({ host, port }) => ({ host, port: port ?? defaultPort })),
          username,
          password,
          database: database ?? 0,
          master: kind === 'sentinel' ? master : undefined,
        })
      }),
      { numRuns: 300 },
    )
  })

  it('of any text is an address within its bounds, or none; nothing throws', () => {
    const piece = fc.constantFrom(
      ...[
        'redis',
        's',
        '+sentinel',
        '+cluster',
        '://',
        ':',
        '@',
        '/',
        ',',
        '[',
        ']',
        '::1',
        'h',
        '0',
      ],
      ...['70000', '%', '%41', '%ff', '?', '#', '\n', ' '],
    )
    const url = fc.array(piece, { maxLength: 9 }).map((pieces) => `redis${pieces.join('')}`)
    fc.assert(
      fc.property(fc.oneof(url, fc.string()), (text) => {
        const address = parseRedisUrl(text)
        redactUrl(text)
        if (address === undefined) return
        assert.ok(address.nodes.length >= 1)
        for (const { host, port } of address.nodes) {
          assert.match(host, /^[^\s[\]@/?#]+$/)
          assert.ok(port >= 1 && port <= 65_535)
        }
        assert.equal(address.master !== undefined, address.kind === 'sentinel')
      }),
      { numRuns: 1000 },
    )
  })
})

describe('a URL as it is shown', () => {
  const shown: readonly [url: string, redacted: string][] = [
    ['redis://h:6379/0', 'redis://h:6379/0'],
    ['redis://[::1]:6379', 'redis://[::1]:6379'],
    ['redis+sentinel://a:1,b:2/m/0', 'redis+sentinel://a:1,b:2/m/0'],
    ['redis://u:p@h:1/2', 'redis://u:***@h:1/2'],
    ['redis://:p@h', 'redis://:***@h'],
    ['redis://u:@h', 'redis://u:***@h'],
    // Without a colon it is a user; but many take it for a password.
    ['redis://secret@h', 'redis://***@h'],
    ['redis://u:p@ss@h', 'redis://u:***@h'],
    ['redis://u:p:q@h', 'redis://u:***@h'],
    ['redis+sentinel://u:p@a,b/m', 'redis+sentinel://u:***@a,b/m'],
    ['', ''],
  ]
  for (const [url, redacted] of shown) {
    it(`${url} is ${redacted}`, () => assert.equal(redactUrl(url), redacted))
  }

  // What cannot be used is shown too, in the error that says so.
  const wrong: readonly [url: string, redacted: string][] = [
    ['redis://u:a/b@h', 'redis://u:***@h'],
    ['redis://u:a\nb@h', 'redis://u:***@h'],
    ['redis://u:a?b#c@h', 'redis://u:***@h'],
    ['redis://u:%zz@h', 'redis://u:***@h'],
    ['redis://u:p://q@h', 'redis://u:***@h'],
    ['redis:/u:p@h', 'redis:***@h'],
    ['u:p@h', 'u:***@h'],
    ['p@h', '***@h'],
    ['redis://u:p@', 'redis://u:***@'],
    ['redis://h?password=p', 'redis://h?***'],
    ['redis://h/0?db=1&password=p\n', 'redis://h/0?***'],
    ['redis://u:p@h?password=q', 'redis://u:***@h?***'],
  ]
  for (const [url, redacted] of wrong) {
    it(`${JSON.stringify(url)} is ${redacted}, although it cannot be used`, () => {
      assert.equal(redactUrl(url), redacted)
    })
  }

  it('has no password in it, of whatever characters, encoded or bare', () => {
    const any = fc.string({ unit: 'binary' })
    const encoded = fc.string({ unit: 'grapheme' }).map(encodeURIComponent)
    const odd = fc.string({ unit: fc.constantFrom(...'@:/?#[]%,\n\r\\$&*é') })
    const password = fc.oneof(any, odd, encoded)
    const user = fc.constantFrom('', 'u', 'default', 'a%3Ab', 'me@x', 'a?b')
    const rest = fc.constantFrom('h', 'h:1/2', '[::1]:6379', 'a:1,b:2/m', '')
    const scheme = fc.constantFrom('redis', 'rediss', 'redis+sentinel', 'http')
    fc.assert(
      fc.property(scheme, user, password, rest, (name, login, secret, end) => {
        const redacted = redactUrl(`${name}://${login}:${secret}@${end}`)
        assert.equal(redacted, `${name}://${login}:***@${end}`)
      }),
      { numRuns: 500 },
    )
  })

  it('is still the same when it is redacted again', () => {
    for (const [url] of [...shown, ...wrong]) {
      assert.equal(redactUrl(redactUrl(url)), redactUrl(url))
    }
  })
})
