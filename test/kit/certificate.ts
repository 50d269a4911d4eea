// Certificates of authorities that a test makes for itself, and connections that trust them.
import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'

/** A certificate for localhost that signed itself, so that it is its own authority. */
export interface OwnCertificate {
  /** Paths of PEM files. */
  readonly certificate: string
  readonly key: string
  readonly fingerprint: string
}

export function makeCertificate(folder: string, name = 'server'): OwnCertificate {
  const [key, certificate] = [join(folder, `${name}.key`), join(folder, `${name}.crt`)]
  const newKey = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2']
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  const files = ['-keyout', key, '-out', certificate]
  execFileSync('openssl', ['req', ...newKey, ...names, ...files], { stdio: 'ignore' })
  const { fingerprint } = new X509Certificate(readFileSync(certificate))
  return { certificate, key, fingerprint }
}

/** Opens connections over TLS to localhost that trust these certificates. */
export function secureDial(...trusted: readonly OwnCertificate[]): (port: number) => TLSSocket {
  const ca = trusted.map(({ certificate }) => readFileSync(certificate))
  return (port) => connect({ port, host: '127.0.0.1', ca })
}
