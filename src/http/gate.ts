// Who may come in at a path: everyone, programs on this machine, or who has a token. Shard thread.
import type { HttpResponse } from 'uWebSockets.js'
import type { RequestHead } from './head.ts'
import { isLocal, type Peers } from './peer.ts'
import type { ProblemCode } from './problem.ts'
import type { Right, Tokens } from './token.ts'

/** Why a request may not come in, and what it needs (RFC 6750, 3). */
export interface Denial {
  readonly code: ProblemCode
  readonly detail: string
  /** The value of WWW-Authenticate, where a token would help. */
  readonly challenge?: string | undefined
}

/** What a gate is made of. */
export interface GateSpec {
  readonly right: Right
  /** Who needs no token, where there is none for the right. */
  readonly otherwise: 'loopback' | 'public'
  /** Open whatever tokens there are. */
  readonly isOpen?: boolean
  /** For who is refused as not of this machine: what it is about, and how to open it. */
  readonly localOnly: string
}

const BEARER = /^bearer +([\w.~+/-]+=*) *$/i
const IS_BEARER = /^bearer\b/i

export class Gate {
  readonly #spec: GateSpec
  readonly #tokens: Tokens
  readonly #peers: Peers
  readonly who: 'public' | 'loopback' | 'token'

  constructor(spec: GateSpec, tokens: Tokens, peers: Peers) {
    this.#spec = spec
    this.#tokens = tokens
    this.#peers = peers
    const needsToken = tokens.has(spec.right) && spec.isOpen !== true
    this.who = needsToken ? 'token' : spec.otherwise
  }

  /**
   * @param query where the path takes ?access_token=, the request's query
   * @returns why the request may not come in, or nothing where it may
   */
  denial(response: HttpResponse, head: RequestHead, query?: string): Denial | undefined {
    if (this.who === 'public') return undefined
    if (this.who === 'token') return this.#denialOfToken(head, query)
    if (isLocal(this.#peers.of(response), head)) return undefined
    return { code: 'forbidden', detail: this.#spec.localOnly }
  }

  #denialOfToken({ authorization }: RequestHead, query: string | undefined): Denial | undefined {
    const { right } = this.#spec
    const given = query === undefined ? [] : new URLSearchParams(query).getAll('access_token')
    if (IS_BEARER.test(authorization)) given.push(BEARER.exec(authorization)?.[1] ?? '')
    const [token] = given
    const needs = `this needs a ${right} token`
    if (token === undefined) return denied('token_missing', `${needs}: Authorization: Bearer TOKEN`)
    if (given.length > 1 || token === '') {
      return denied('token_malformed', 'give one token, once', 'error="invalid_request"')
    }
    const rights = this.#tokens.rightsOf(token)
    if (rights.has(right)) return undefined
    if (rights.size === 0) {
      return denied('token_unknown', 'the token is not known here', 'error="invalid_token"')
    }
    return denied('token_not_enough', needs, 'error="insufficient_scope"', `scope="${right}"`)
  }
}

function denied(code: ProblemCode, detail: string, ...parameters: string[]): Denial {
  return { code, detail, challenge: ['Bearer realm="carillon"', ...parameters].join(', ') }
}
