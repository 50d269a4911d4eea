// Who a peer is, when its word about others is taken, and who counts as local: by address family,
// trust and headers. The response is a fake that knows nothing but an address.

import type { HttpRequest, HttpResponse } from 'uWebSockets.js'
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import ipaddr from 'ipaddr.js'
import { parseRanges } from '../../src/config/network.ts'
import { resolveConfig } from '../../src/config/parse.ts'
import { RequestHead } from '../../src/http/head.ts'
import { clientIp, isLocal, Peers, userIpJson } from '../../src/http/peer.ts'

const byDefault = new Peers(parseRanges(resolveConfig({}).trustProxy))

function responseFrom(bytes: readonly number[]): HttpResponse {
  const fake: Pick<HttpResponse, 'getRemoteAddress'> = {
    getRemoteAddress: () => Uint8Array.from(bytes).buffer,
  }
  return fake as HttpResponse
}

function from(address: string): HttpResponse {
  return responseFrom(ipaddr.parse(address).toByteArray())
}

function headOf(headers: readonly (readonly [name: string, value: string])[] = []): RequestHead {
  const request: Pick<HttpRequest, 'forEach'> = {
    forEach: (visit) => {
      for (const [name, value] of headers) visit(name, value)
    },
  }
  const head = new RequestHead()
  head.read(request as HttpRequest)
  return head
}

const PUBLIC = '203.0.113.7'
const forwarded = headOf([['x-forwarded-for', '198.51.100.1, 10.0.0.1']])

describe('the address that limits go by', () => {
  const keyOf = (
    peer: string,
    headers: readonly (readonly [name: string, value: string])[],
    peers = byDefault,
  ): string => peers.limitKey(peers.of(from(peer)), headOf(headers))
  const forwardedFor = (...values: string[]): (readonly [string, string])[] =>
    values.map((value) => ['x-forwarded-for', value] as const)

  const cases: readonly [
    what: string,
    key: string,
    peer: string,
    ...headers: [string, string][],
  ][] = [
    ['the peer', PUBLIC, PUBLIC],
    [
      'the peer, whatever it says',
      PUBLIC,
      PUBLIC,
      ['x-forwarded-for', '1.2.3.4'],
      ['x-real-ip', '1.2.3.5'],
    ],
    ['IPv4 mapped into IPv6', PUBLIC, `::ffff:${PUBLIC}`],
    ['the first 64 bits of IPv6', '2001:db8:0:1', '2001:db8:0:1:2:3:4:5'],
    ['what a trusted peer says', '1.2.3.4', '10.0.0.1', ['x-forwarded-for', '1.2.3.4']],
    ['what the last proxy saw', '1.2.3.4', '10.0.0.1', ['x-forwarded-for', '6.6.6.6, 1.2.3.4']],
    [
      'what is before trusted proxies',
      '1.2.3.4',
      '10.0.0.1',
      ['x-forwarded-for', '6.6.6.6,1.2.3.4, 10.0.0.2,192.168.1.1'],
    ],
    [
      'the first, where all are trusted',
      '10.0.0.3',
      '10.0.0.1',
      ['x-forwarded-for', '10.0.0.3, 10.0.0.2'],
    ],
    ['an address with a port', '1.2.3.4', '10.0.0.1', ['x-forwarded-for', '1.2.3.4:567']],
    ['IPv6 in brackets', '2001:db8:0:0', '10.0.0.1', ['x-forwarded-for', '[2001:db8::9]:443']],
    ['an address, not a word', '1.2.3.4', '10.0.0.1', ['x-forwarded-for', '1.2.3.4, unknown']],
    ['X-Real-IP, without the other', '1.2.3.4', '10.0.0.1', ['x-real-ip', '1.2.3.4']],
    [
      'X-Forwarded-For before X-Real-IP',
      '1.2.3.4',
      '10.0.0.1',
      ['x-real-ip', '6.6.6.6'],
      ['x-forwarded-for', '1.2.3.4'],
    ],
    [
      'the peer, where it says nothing of use',
      '10.0.0.1',
      '10.0.0.1',
      ['x-forwarded-for', 'unknown'],
      ['x-real-ip', ''],
    ],
  ]
  for (const [what, key, peer, ...headers] of cases) {
    it(`is ${what}`, () => assert.equal(keyOf(peer, headers), key))
  }

  it('is of the last X-Forwarded-For: a proxy may leave that of the client, and add its own', () => {
    assert.equal(keyOf('10.0.0.1', forwardedFor('6.6.6.6', '1.2.3.4')), '1.2.3.4')
  })
})

describe('a peer', () => {
  const peers: readonly [address: string, shown: string, loopback: boolean, trusted: boolean][] = [
    ['127.0.0.1', '127.0.0.1', true, true],
    ['127.255.255.254', '127.255.255.254', true, true],
    ['::1', '::1', true, true],
    ['::ffff:127.0.0.1', '127.0.0.1', true, true],
    ['10.1.2.3', '10.1.2.3', false, true],
    ['::ffff:10.1.2.3', '10.1.2.3', false, true],
    ['172.31.255.255', '172.31.255.255', false, true],
    ['172.32.0.0', '172.32.0.0', false, false],
    ['192.168.0.1', '192.168.0.1', false, true],
    ['fd00::1', 'fd00::1', false, true],
    ['fe80::1', 'fe80::1', false, true],
    ['128.0.0.1', '128.0.0.1', false, false],
    ['203.0.113.7', '203.0.113.7', false, false],
    ['::ffff:203.0.113.7', '203.0.113.7', false, false],
    ['255.255.255.255', '255.255.255.255', false, false],
    ['::ffff:255.255.255.255', '255.255.255.255', false, false],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1', false, false],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1', false, false],
    ['::2', '::2', false, false],
    ['::7f00:1', '::7f00:1', false, false],
    ['1::ffff:7f00:1', '1::ffff:7f00:1', false, false],
  ]
  for (const [address, shown, isLoopback, isTrusted] of peers) {
    const traits = [isLoopback ? 'loopback' : 'not loopback', isTrusted ? 'trusted' : 'not trusted']
    it(`${address} is ${shown}, ${traits.join(', ')}`, () => {
      const expected = { address: shown, addressJson: `"${shown}"`, isLoopback, isTrusted }
      assert.deepEqual(byDefault.of(from(address)), expected)
      assert.deepEqual(byDefault.of(from(address)), expected, 'the second time, when it is known')
    })
  }

  it('is the same for IPv4 on an IPv4 and on an IPv6 socket, and worked out once', () => {
    assert.equal(byDefault.of(from(PUBLIC)), byDefault.of(from(`::ffff:${PUBLIC}`)))
  })

  it('is trusted by the ranges given and by no others', () => {
    const peers = new Peers(parseRanges(['203.0.113.0/30', '2001:db8::5']))
    const trusted = ['203.0.113.0', '203.0.113.3', '::ffff:203.0.113.1', '2001:db8::5']
    const others = ['203.0.112.255', '203.0.113.4', '2001:db8::4', '127.0.0.1', '::1']
    for (const address of trusted) assert.equal(peers.of(from(address)).isTrusted, true, address)
    for (const address of others) assert.equal(peers.of(from(address)).isTrusted, false, address)
  })

  it('is trusted by nobody when the list is empty', () => {
    assert.equal(new Peers([]).of(from('127.0.0.1')).isTrusted, false)
  })

  it('is right however many have come before it', () => {
    const peers = new Peers(parseRanges(['10.0.0.0/8']))
    for (let host = 0; host < 10_000; host++) {
      const bytes = [host % 2 === 0 ? 10 : 11, 0, host >> 8, host & 0xff]
      const { address, isTrusted } = peers.of(responseFrom(bytes))
      assert.equal(address, bytes.join('.'))
      assert.equal(isTrusted, bytes[0] === 10)
    }
  })

  it('that has reset its connection has no address, and is nobody to trust', () => {
    const peer = new Peers(parseRanges(['0.0.0.0/0', '::/0'])).of(responseFrom([]))
    assert.equal(peer.isLoopback, false)
    assert.equal(peer.isTrusted, false)
    assert.equal(JSON.parse(userIpJson(peer, forwarded)), peer.address)
  })
})

describe('the address of the client behind a peer', () => {
  const xff = ['x-forwarded-for', '198.51.100.1'] as const
  const real = ['x-real-ip', '198.51.100.2'] as const
  const empty = ['x-forwarded-for', ''] as const
  const rows: readonly [
    peer: string,
    headers: readonly (readonly [string, string])[],
    clientIp: string,
    userIp: string,
  ][] = [
    ['10.0.0.1', [], '10.0.0.1', '10.0.0.1'],
    ['10.0.0.1', [xff], '198.51.100.1', '198.51.100.1'],
    ['10.0.0.1', [real], '198.51.100.2', '10.0.0.1'],
    ['10.0.0.1', [xff, real], '198.51.100.2', '198.51.100.1'],
    ['10.0.0.1', [empty], '10.0.0.1', '10.0.0.1'],
    ['::ffff:10.0.0.1', [xff], '198.51.100.1', '198.51.100.1'],
    ['fd00::1', [xff], '198.51.100.1', '198.51.100.1'],
    [PUBLIC, [xff, real], PUBLIC, PUBLIC],
    [`::ffff:${PUBLIC}`, [xff], PUBLIC, PUBLIC],
    ['2001:db8::1', [xff, real], '2001:db8::1', '2001:db8::1'],
  ]
  for (const [address, headers, expectedClient, expectedUser] of rows) {
    const names = headers.map(([name, value]) => `${name}: ${value}`).join(', ') || 'no header'
    it(`from ${address} with ${names}: ${expectedClient}, user_ip ${expectedUser}`, () => {
      const peer = byDefault.of(from(address))
      const head = headOf(headers)
      assert.equal(clientIp(peer, head), expectedClient)
      assert.equal(userIpJson(peer, head), JSON.stringify(expectedUser))
    })
  }

  it('is the header as it came, in JSON whatever is in it', () => {
    const peer = byDefault.of(from('127.0.0.1'))
    assert.equal(userIpJson(peer, forwarded), '"198.51.100.1, 10.0.0.1"')
    const odd = '"},{"\\\t\u0001é'
    assert.equal(JSON.parse(userIpJson(peer, headOf([['x-forwarded-for', odd]]))), odd)
  })
})

describe('a local program', () => {
  const rows: readonly [
    address: string,
    headers: readonly (readonly [string, string])[],
    isLocal: boolean,
    what: string,
  ][] = [
    ['127.0.0.1', [], true, 'IPv4 loopback'],
    ['::ffff:127.0.0.1', [], true, 'IPv4 loopback on an IPv6 socket'],
    ['::1', [], true, 'IPv6 loopback'],
    ['10.0.0.1', [], false, 'a private address'],
    [PUBLIC, [], false, 'a public address'],
    ['127.0.0.1', [['x-forwarded-for', '127.0.0.1']], false, 'a proxy'],
    ['127.0.0.1', [['x-forwarded-for', '']], false, 'a proxy with nothing to say'],
    ['127.0.0.1', [['x-real-ip', '::1']], false, 'a proxy by X-Real-IP'],
    ['127.0.0.1', [['forwarded', 'for=127.0.0.1']], false, 'a proxy by Forwarded'],
    ['127.0.0.1', [['via', '1.1 proxy']], false, 'a proxy by Via'],
    ['127.0.0.1', [['x-forwarded-proto', 'https']], false, 'a proxy by X-Forwarded-Proto'],
    ['127.0.0.1', [['x-forwarded-host', 'localhost']], false, 'a proxy by X-Forwarded-Host'],
    ['127.0.0.1', [['origin', 'http://localhost:3000']], true, 'a page of this machine'],
    ['127.0.0.1', [['origin', 'http://127.0.0.1']], true, 'a page of this machine by address'],
    ['127.0.0.1', [['origin', 'http://[::1]:8080']], true, 'a page of this machine by IPv6'],
    ['127.0.0.1', [['origin', 'https://example.org']], false, 'a page of another site'],
    ['127.0.0.1', [['origin', 'http://localhost.example.org']], false, 'a name like localhost'],
    ['127.0.0.1', [['origin', 'http://127.0.0.1.example.org']], false, 'a name like an address'],
    ['127.0.0.1', [['origin', 'http://127.example.org']], false, 'a name that begins with 127.'],
    ['127.0.0.1', [['origin', 'null']], false, 'a sandboxed page'],
    ['127.0.0.1', [['host', 'localhost:8080']], true, 'asked by the name localhost'],
    ['127.0.0.1', [['host', 'devbox']], true, 'asked by a name without a dot'],
    ['127.0.0.1', [['host', '127.0.0.1:8080']], true, 'asked by an IPv4 address'],
    ['127.0.0.1', [['host', '[::1]:8080']], true, 'asked by an IPv6 address'],
    ['127.0.0.1', [['host', 'rebound.example.org:8080']], false, 'a page whose name leads here'],
    ['127.0.0.1', [['host', '127.0.0.1.nip.example']], false, 'a name that spells an address'],
    [PUBLIC, [['origin', 'http://localhost']], false, 'another machine that claims localhost'],
  ]
  for (const [address, headers, expected, what] of rows) {
    it(`${expected ? 'is' : 'is not'} ${what}`, () => {
      assert.equal(isLocal(byDefault.of(from(address)), headOf(headers)), expected)
    })
  }
})
