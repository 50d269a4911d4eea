// What deploy/ has for systemd and Kubernetes: systemd's own checker, Kubernetes' own types with
// every unknown field an error, and the times of a stop, which must fit the server's.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Deployment } from 'kubernetes-types/apps/v1.d.ts'
import { parseAllDocuments } from 'yaml'
import { options } from '../../src/config/option.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** What main.ts gives a stop beyond drainSeconds before it ends by force. */
const FORCE_SECONDS = 5
const STOP_SECONDS = options.drainSeconds.default + FORCE_SECONDS

const unit = readFileSync(join(root, 'deploy/systemd/carillon.service'), 'utf8')
const manifest = readFileSync(join(root, 'deploy/kubernetes/carillon.yaml'), 'utf8')

/** The unit with an executable that is there, as systemd wants it of the one it names. */
function unitFile(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-unit-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'carillon.service')
  writeFileSync(file, unit.replace('/usr/local/bin/carillon', process.execPath))
  return file
}

describe('the unit of systemd', () => {
  it('is one that systemd has no complaint about', (t) => {
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', unitFile(t)], {
      encoding: 'utf8',
    })
    assert.equal(status, 0, stderr)
    assert.ok(!stderr.includes('carillon.service'), stderr)
  })

  it('leaves the service an exposure below 2 of 10', (t) => {
    const args = ['security', '--offline=yes', '--threshold=20', '--no-pager', unitFile(t)]
    execFileSync('systemd-analyze', args, { stdio: 'pipe' })
  })

  it('gives a stop the time that it may take', () => {
    assert.ok(Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1]) > STOP_SECONDS)
  })
})

/** What tsc says of a document as a value of the type; undefined where it has nothing to say. */
function mismatch(t: TestContext, document: unknown, type: string, module: string) {
  mkdirSync(join(root, '.cache'), { recursive: true })
  const folder = mkdtempSync(join(root, '.cache/manifest-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'document.ts')
  const value = JSON.stringify(document, undefined, 2)
  const source = `import type { ${type} } from 'kubernetes-types/${module}.d.ts'\nexport const document: ${type} = ${value}\n`
  writeFileSync(file, source)
  const flags = ['--ignoreConfig', '--noEmit', '--strict', '--module', 'nodenext']
  const tsc = join(root, 'node_modules/.bin/tsc')
  const { status, stdout, stderr } = spawnSync(tsc, [...flags, file], { encoding: 'utf8' })
  return status === 0 ? undefined : stdout + stderr
}

describe('the manifests of Kubernetes', () => {
  const documents = parseAllDocuments(manifest)
  const [deployment, service] = documents.map((document) => document.toJS())

  it('are a Deployment and a Service, as Kubernetes has them', (t) => {
    assert.deepEqual(
      documents.flatMap(({ errors, warnings }) => [...errors, ...warnings]),
      [],
    )
    assert.deepEqual([deployment.kind, service.kind], ['Deployment', 'Service'])
    assert.equal(mismatch(t, deployment, 'Deployment', 'apps/v1'), undefined)
    assert.equal(mismatch(t, service, 'Service', 'core/v1'), undefined)
  })

  it('would not pass with a field that Kubernetes does not know', (t) => {
    const wrong = structuredClone(deployment)
    wrong.spec.template.spec.containers[0].livenessprobe = {}
    assert.match(mismatch(t, wrong, 'Deployment', 'apps/v1') ?? '', /livenessprobe/)
  })

  const { spec } = (deployment as Deployment).spec?.template ?? {}
  const [container] = spec?.containers ?? []

  it('ask /health whether it lives, and /ready whether it can serve', () => {
    assert.equal(container?.livenessProbe?.httpGet?.path, '/health')
    assert.equal(container?.startupProbe?.httpGet?.path, '/health')
    assert.equal(container?.readinessProbe?.httpGet?.path, '/ready')
  })

  it('give a stop the time that it may take, after preStop', () => {
    const before = container?.lifecycle?.preStop?.sleep?.seconds ?? 0
    assert.ok(before > 0)
    assert.ok((spec?.terminationGracePeriodSeconds ?? 0) > before + STOP_SECONDS)
  })

  it('lead from the Service to the port of the image', () => {
    const [port] = container?.ports ?? []
    assert.equal(port?.containerPort, options.port.default)
    assert.equal(service.spec.ports[0].targetPort, port?.name)
    assert.deepEqual(service.spec.selector, deployment.spec.template.metadata.labels)
  })
})
