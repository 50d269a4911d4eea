// The options of who may do what: a part of the table of options, in a file of its own. Pure data.
import { isCidr } from './network.ts'
import type { OptionSpec } from './spec.ts'
import { isToken, TOKEN_FORM } from './token.ts'

const noTexts: readonly string[] = []

const tokens = {
  kind: 'list',
  default: noTexts,
  check: isToken,
  isSecret: true,
  itemDoc: TOKEN_FORM,
} as const

const tokenFiles = {
  kind: 'list',
  default: noTexts,
  check: (path: string) => path !== '',
  itemDoc: 'the path of a file that can be read',
} as const

function isOrigin(item: string): boolean {
  if (item === '*') return true
  return URL.canParse(item) && new URL(item).origin === item
}

export const accessOptions = {
  publish: {
    kind: 'choice',
    choices: ['loopback', 'public'],
    default: 'loopback',
    doc: 'Who may POST to /publish without publish tokens: only this machine, or everyone.',
  },
  apiEvents: {
    kind: 'choice',
    choices: ['loopback', 'public'],
    default: 'public',
    doc: 'Who may POST to /api/events: everyone, or as /publish with loopback: this machine, or who has a publish token.',
  },
  admin: {
    kind: 'choice',
    choices: ['loopback', 'public', 'off'],
    default: 'loopback',
    doc: "Who may read /admin, which shows clients' addresses, without admin tokens: this machine, everyone, nobody.",
  },
  tlsCert: {
    kind: 'text',
    default: '',
    defaultDoc: 'none: no TLS',
    isOptional: true,
    textDoc: 'the path of a PEM file',
    doc: 'The certificate to serve https with, and its chain; SIGHUP reads it anew. Needs tlsKey.',
  },
  tlsKey: {
    kind: 'text',
    default: '',
    defaultDoc: 'none',
    isOptional: true,
    textDoc: 'the path of a PEM file',
    doc: 'The private key of tlsCert, without a passphrase.',
  },
  publishToken: {
    ...tokens,
    doc: 'Bearer tokens that may publish; with one, /publish needs it from everywhere.',
  },
  publishTokenFile: {
    ...tokenFiles,
    doc: 'Files of publish tokens, one a line; empty lines and those that begin with # are left out.',
  },
  adminToken: {
    ...tokens,
    doc: 'Bearer tokens that may read /admin; with one, it is needed from everywhere.',
  },
  adminTokenFile: { ...tokenFiles, doc: 'Files of admin tokens, as publishTokenFile.' },
  subscribeToken: {
    ...tokens,
    doc: 'Bearer tokens that may subscribe, also as ?access_token=; with one, every stream needs it.',
  },
  subscribeTokenFile: { ...tokenFiles, doc: 'Files of subscribe tokens, as publishTokenFile.' },
  trustProxy: {
    kind: 'list',
    default: [
      '127.0.0.0/8',
      '::1/128',
      '10.0.0.0/8',
      '172.16.0.0/12',
      '192.168.0.0/16',
      'fc00::/7',
      'fe80::/10',
    ],
    check: isCidr,
    itemDoc: 'an address or a range such as 10.0.0.0/8',
    doc: 'Peers whose X-Forwarded-For and X-Real-IP are believed; an empty list believes nobody.',
  },
  corsOrigins: {
    kind: 'list',
    default: ['*'],
    check: isOrigin,
    itemDoc: '* or an origin such as https://example.org',
    doc: 'Origins whose pages may read answers (CORS); * is any.',
  },
} as const satisfies Record<string, OptionSpec>
