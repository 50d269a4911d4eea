// Who is at the other end of a connection, and whether its word about others is taken.
// Shard thread. A few peers send nearly all requests, so each address is worked out once.

import type { HttpResponse } from 'uWebSockets.js'
import ipaddr from 'ipaddr.js'
import { inRanges, type Range } from '../config/network.ts'
import type { RequestHead } from './head.ts'

/** The address of a connection's other end. */
export interface Peer {
  /** IPv4 dotted (also for IPv4 on an IPv6 socket), IPv6 as RFC 5952. */
  readonly address: string
  /** The address as a JSON string, quotes included. */
  readonly addressJson: string
  readonly isLoopback: boolean
  /** Its forwarding headers are believed (option `trustProxy`). */
  readonly isTrusted: boolean
}

/**
 * A peer that reset its connection after its request: the kernel tells no address any more
 * (getpeername: ENOTCONN), and uWS gives none.
 */
const GONE: Peer = { address: '', addressJson: '""', isLoopback: false, isTrusted: false }

/** A whole address: 127.example.org is a name that anyone can have. */
const LOOPBACK_V4 = /^127\.\d+\.\d+\.\d+$/

/** Peers remembered at a time; past it all are forgotten, which costs a few µs each. */
const PEERS_MAX = 4096

export class Peers {
  readonly #trusted: readonly Range[]
  readonly #known = new Map<number | string, Peer>()

  constructor(trusted: readonly Range[]) {
    this.#trusted = trusted
  }

  /**
   * The address that limits go by, which a client must not be able to choose: of a trusted peer the
   * last address in X-Forwarded-For that is not itself trusted (each proxy adds its peer at the
   * end), else X-Real-IP; else the peer's own. IPv6 is its /64, as one client has all of that.
   */
  limitKey(peer: Peer, head: RequestHead): string {
    if (!peer.isTrusted) return keyOfText(peer.address)
    const hops = head.lastForwardedFor.split(',').map((hop) => addressOf(hop))
    const client = hops.findLast((hop) => hop !== undefined && !inRanges(hop, this.#trusted))
    const forwarded = client ?? hops.find((hop) => hop !== undefined) ?? addressOf(head.realIp)
    return forwarded === undefined ? keyOfText(peer.address) : networkOf(forwarded)
  }

  of(response: HttpResponse): Peer {
    const bytes = new Uint8Array(response.getRemoteAddress())
    if (bytes.length === 0) return GONE
    const key = keyOf(bytes)
    const known = this.#known.get(key)
    if (known !== undefined) return known
    if (this.#known.size === PEERS_MAX) this.#known.clear()
    const peer = this.#describe(bytes)
    this.#known.set(key, peer)
    return peer
  }

  #describe(bytes: Uint8Array): Peer {
    const raw = ipaddr.fromByteArray([...bytes])
    const isMapped = raw instanceof ipaddr.IPv6 && raw.isIPv4MappedAddress()
    const ip = isMapped ? raw.toIPv4Address() : raw
    const address = ip instanceof ipaddr.IPv6 ? ip.toRFC5952String() : ip.toString()
    return {
      address,
      addressJson: JSON.stringify(address),
      isLoopback: ip.range() === 'loopback',
      isTrusted: inRanges(ip, this.#trusted),
    }
  }
}

/** IPv4, mapped or not, as a number; IPv6 as a string. */
function keyOf(bytes: Uint8Array): number | string {
  const { length } = bytes
  if (length === 4 || isMapped(bytes)) {
    let key = 0
    for (let at = length - 4; at < length; at++) key = key * 256 + (bytes[at] as number)
    return key
  }
  return String.fromCharCode(...bytes)
}

/** ::ffff:0:0/96 (RFC 4291, 2.5.5.2). */
function isMapped(bytes: Uint8Array): boolean {
  if (bytes[10] !== 0xff || bytes[11] !== 0xff) return false
  for (let at = 0; at < 10; at++) if (bytes[at] !== 0) return false
  return true
}

type Address = ipaddr.IPv4 | ipaddr.IPv6

/** An address as proxies write it: bare, with a port, or in brackets. */
function addressOf(text: string): Address | undefined {
  const hop = text.trim()
  const bare = /^\[(.+)\](?::\d+)?$/.exec(hop)?.[1] ?? /^([\d.]+):\d+$/.exec(hop)?.[1] ?? hop
  return ipaddr.isValid(bare) ? ipaddr.process(bare) : undefined
}

function keyOfText(address: string): string {
  // IPv4 is the usual case, and is its own key.
  return address.includes(':') ? networkOf(ipaddr.parse(address)) : address
}

/** IPv4 whole; of IPv6 the first 64 bits (RFC 4291, 2.5.4). */
function networkOf(address: Address): string {
  if (address.kind() === 'ipv4') return address.toString()
  return (address as ipaddr.IPv6).parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')
}

/** The client's address for the status: X-Real-IP, then X-Forwarded-For, of a trusted peer. */
export function clientIp(peer: Peer, head: RequestHead): string {
  if (!peer.isTrusted) return peer.address
  return head.realIp || head.forwardedFor || peer.address
}

/** The `user_ip` of an event, as JSON: X-Forwarded-For of a trusted peer, else the peer. */
export function userIpJson(peer: Peer, head: RequestHead): string {
  const forwarded = peer.isTrusted ? head.forwardedFor : ''
  return forwarded === '' ? peer.addressJson : JSON.stringify(forwarded)
}

/** A Host that others can own: a name with a dot in it. IPv6 addresses stand in brackets. */
function isPublicName(host: string): boolean {
  return host.includes('.') && /[a-z]/i.test(host) && !host.startsWith('[')
}

/**
 * True for a program on this machine that speaks for itself. A page of another site, open in a
 * browser on this machine, is none: it says so by its Origin, or, where its own name was pointed
 * here (DNS rebinding), by its Host. Nor is what a proxy passes on.
 */
export function isLocal(peer: Peer, head: RequestHead): boolean {
  if (!peer.isLoopback || head.isForwarded || isPublicName(head.host)) return false
  if (head.origin === '') return true
  if (!URL.canParse(head.origin)) return false
  const { hostname } = new URL(head.origin)
  return hostname === 'localhost' || hostname === '[::1]' || LOOPBACK_V4.test(hostname)
}
