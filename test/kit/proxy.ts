// Starts a real proxy in front of a server: nginx or Caddy, with the configuration that deploy/ has
// of it, changed in nothing but addresses, and a certificate that is made for the test.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../scripts/free-port.ts'
import { type Lifetime, type Program, startProgram } from './program.ts'
import { until } from './until.ts'

/** The name in the configurations, and in the certificate. */
export const HOST = 'carillon.example.org'

export interface FrontProxy {
  readonly program: Program
  readonly port: number
  /** The file of the certificate, which is its own authority. */
  readonly certificate: string
}

interface Place {
  readonly folder: string
  /** Where it listens, and where Carillon does. */
  readonly port: number
  readonly upstream: number
  readonly key: string
  readonly certificate: string
}

/** A name, and how it is started at a place: program and arguments. */
export interface ProxyKind {
  readonly name: string
  readonly command: (place: Place) => readonly [program: string, ...args: string[]]
}

/** A file of deploy/ with each of these texts, which must be in it, replaced. */
function deployed(path: string, replacements: readonly (readonly [from: string, to: string])[]) {
  let text = readFileSync(fileURLToPath(new URL(`../../deploy/${path}`, import.meta.url)), 'utf8')
  for (const [from, to] of replacements) {
    assert.ok(text.includes(from), `${path} has no ${from}`)
    text = text.replaceAll(from, to)
  }
  return text
}

/** What of nginx.conf is not deploy's: Debian's own is for a machine that has one nginx. */
const NGINX_MAIN = `
daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr error;
events {}
http {
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    include carillon.conf;
}
`

export const nginx: ProxyKind = {
  name: 'nginx',
  command: ({ folder, port, upstream, key, certificate }) => {
    const site = deployed('nginx/carillon.conf', [
      ['listen 443 ssl', `listen 127.0.0.1:${port} ssl`],
      ['listen [::]:443 ssl http2;', ''],
      ['127.0.0.1:8080', `127.0.0.1:${upstream}`],
      ['/etc/ssl/carillon/fullchain.pem', certificate],
      ['/etc/ssl/carillon/key.pem', key],
    ])
    writeFileSync(join(folder, 'carillon.conf'), site)
    writeFileSync(join(folder, 'nginx.conf'), NGINX_MAIN)
    return ['/usr/sbin/nginx', '-p', folder, '-c', 'nginx.conf', '-e', 'stderr']
  },
}

export const caddy: ProxyKind = {
  name: 'Caddy',
  command: ({ folder, port, upstream, key, certificate }) => {
    const site = deployed('caddy/Caddyfile', [
      [`${HOST} {`, `https://${HOST}:${port} {\n\tbind 127.0.0.1\n\ttls ${certificate} ${key}`],
      ['127.0.0.1:8080', `127.0.0.1:${upstream}`],
    ])
    // It asks no authority, writes nothing elsewhere, and takes no commands.
    const own = `{\n\tadmin off\n\tauto_https off\n}\n`
    const file = join(folder, 'Caddyfile')
    writeFileSync(file, own + site)
    const homes = [`XDG_CONFIG_HOME=${folder}`, `XDG_DATA_HOME=${folder}`]
    return ['env', ...homes, 'caddy', 'run', '--adapter', 'caddyfile', '--config', file]
  },
}

function makeCertificate(key: string, certificate: string): void {
  const names = ['-subj', `/CN=${HOST}`, '-addext', `subjectAltName=DNS:${HOST}`]
  const newKey = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const files = ['-days', '2', '-keyout', key, '-out', certificate]
  execFileSync('openssl', ['req', ...newKey, ...names, ...files], { stdio: 'ignore' })
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

/** Starts it in front of the server on the port `upstream`, on loopback; it ends with the test. */
export async function startProxy(
  t: Lifetime,
  { name, command }: ProxyKind,
  upstream: number,
): Promise<FrontProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-proxy-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  // nginx's workers are other users than its master, and keep large bodies here.
  chmodSync(folder, 0o755)
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')]
  makeCertificate(key, certificate)
  const port = await freePort()
  const [path, ...args] = command({ folder, port, upstream, key, certificate })
  const program = startProgram(t, path, args)
  let hasEnded = false
  void program.ended.then(() => {
    hasEnded = true
  })
  await until(async () => hasEnded || (await takesConnections(port)), `${name} takes connections`)
  assert.ok(!hasEnded, `${name} ended: ${program.errors.join('\n')}`)
  return { program, port, certificate }
}
