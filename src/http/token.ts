// The bearer tokens that are known, and what each may do (RFC 6750). Shard thread.
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Config } from '../config/option.ts'

/** What a token may be good for. */
export type Right = 'publish' | 'admin' | 'subscribe'

interface Known {
  readonly digest: Buffer
  readonly right: Right
}

export class Tokens {
  readonly #known: readonly Known[]

  constructor({ publishToken, adminToken, subscribeToken }: Config) {
    const known = (right: Right, tokens: readonly string[]): Known[] =>
      tokens.map((token) => ({ digest: digestOf(token), right }))
    this.#known = [
      ...known('publish', publishToken),
      ...known('admin', adminToken),
      ...known('subscribe', subscribeToken),
    ]
  }

  /** Is there a token of this right, so that it is needed? */
  has(right: Right): boolean {
    return this.#known.some((known) => known.right === right)
  }

  /**
   * What a token may do; nothing where it is unknown. Digests have one length, all are compared, and
   * each in constant time: how long it takes tells nothing of how much of a token was right.
   */
  rightsOf(token: string): ReadonlySet<Right> {
    const digest = digestOf(token)
    const rights = new Set<Right>()
    for (const known of this.#known) {
      if (timingSafeEqual(known.digest, digest)) rights.add(known.right)
    }
    return rights
  }
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
