// Address ranges: what --trust-proxy takes, and how an address is held against it.
import ipaddr from 'ipaddr.js'

/** A parsed range: base address and prefix length in bits. */
export type Range = [ipaddr.IPv4 | ipaddr.IPv6, number]

/** True for an address or a CIDR range, IPv4 or IPv6. */
export function isCidr(text: string): boolean {
  return text.includes('/') ? ipaddr.isValidCIDR(text) : ipaddr.isValid(text)
}

/** Ranges of checked texts (see {@link isCidr}); a bare address is a range of one. */
export function parseRanges(texts: readonly string[]): Range[] {
  return texts.map((text) => {
    if (text.includes('/')) return ipaddr.parseCIDR(text)
    const address = ipaddr.parse(text)
    return [address, address.kind() === 'ipv4' ? 32 : 128]
  })
}

/** True for an address to listen on that only programs on this machine reach. */
export function isLoopbackHost(host: string): boolean {
  if (host === 'localhost') return true
  return ipaddr.isValid(host) && ipaddr.process(host).range() === 'loopback'
}

/** True where the address lies in one of the ranges; families never match each other. */
export function inRanges(address: ipaddr.IPv4 | ipaddr.IPv6, ranges: readonly Range[]): boolean {
  return ranges.some(([base, bits]) => base.kind() === address.kind() && address.match(base, bits))
}
