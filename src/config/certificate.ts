// The certificate and its key, checked before uWS loads them: it would only say that it cannot. Main
// thread, at start and at each renewal.
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { CarillonError, messageOf } from '../error.ts'
import { type Config, flagOf, type OptionName } from './option.ts'

/** What a log line says of a certificate. */
export interface CertificateFacts {
  readonly subject: string
  readonly names: string | undefined
  readonly validFrom: string
  readonly validTo: string
  /** Why clients will refuse it now. */
  readonly fault: string | undefined
}

/**
 * Reads the files of `tlsCert` and `tlsKey`.
 * @param now Unix ms
 * @returns nothing without TLS
 * @throws CarillonError that names the file, where one is absent, cannot be read, or does not fit
 */
export function readCertificate(config: Config, now = Date.now()): CertificateFacts | undefined {
  const { tlsCert, tlsKey } = config
  if (tlsCert === '' && tlsKey === '') return undefined
  if (tlsKey === '') throw bad('tlsCert', tlsCert, 'it needs --tls-key, too')
  if (tlsCert === '') throw bad('tlsKey', tlsKey, 'it needs --tls-cert, too')
  const certificate = certificateOf(tlsCert)
  if (!certificate.checkPrivateKey(keyOf(tlsKey))) {
    throw bad('tlsKey', tlsKey, `it is not the key of the certificate in ${tlsCert}`)
  }
  const { subject, subjectAltName: names, validFrom, validTo } = certificate
  const early = now < Date.parse(validFrom) ? 'it is not valid yet' : undefined
  const fault = now > Date.parse(validTo) ? 'it has expired' : early
  return { subject: subject.replaceAll('\n', ', '), names, validFrom, validTo, fault }
}

function certificateOf(path: string): X509Certificate {
  const pem = read('tlsCert', path)
  try {
    return new X509Certificate(pem)
  } catch (cause) {
    throw bad('tlsCert', path, 'it has no certificate in PEM form', cause)
  }
}

function keyOf(path: string): KeyObject {
  const pem = read('tlsKey', path)
  try {
    return createPrivateKey(pem)
  } catch (cause) {
    const why = pem.includes('ENCRYPTED')
      ? 'its key has a passphrase, which a server cannot be asked for'
      : 'it has no private key in PEM form'
    throw bad('tlsKey', path, why, cause)
  }
}

function read(option: OptionName, path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    throw bad(option, path, messageOf(cause), cause)
  }
}

function bad(option: OptionName, path: string, why: string, cause?: unknown): CarillonError {
  return new CarillonError('bad_value', `${flagOf(option)}: ${path}: ${why}`, { cause })
}
