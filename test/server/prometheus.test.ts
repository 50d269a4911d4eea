// What deploy/ has for Prometheus and Grafana, with the real Prometheus scraping a real server: its
// configuration and rules are good, alerts fire when they should and at no other time, and every chart
// of the dashboard has something to show.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { metrics } from '../../src/ops/metrics.ts'
import { temporaryFolder } from '../kit/folder.ts'
import { startProgram } from '../kit/program.ts'
import { type RedisServer, redisClient, startRedis } from '../kit/redis.ts'
import { type Server, startServer } from '../kit/server.ts'
import { RawSubscriber } from '../kit/subscriber.ts'
import { until } from '../kit/until.ts'

const DEPLOY = fileURLToPath(new URL('../../deploy', import.meta.url))
const rules = parse(readFileSync(join(DEPLOY, 'prometheus/alerts.yml'), 'utf8')) as {
  groups: { rules: { alert: string; expr: string; for?: string }[] }[]
}
const dashboard = JSON.parse(readFileSync(join(DEPLOY, 'grafana/carillon.json'), 'utf8')) as {
  panels: { title: string; type: string; description?: string; targets?: { expr: string }[] }[]
}

/** Every expression of the dashboard, with what Grafana would put in for its variables. */
const expressions = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr }) => ({
    title,
    expr: expr.replaceAll('$instance', '.*').replaceAll('$__rate_interval', '4s'),
  })),
)

function promtool(args: readonly string[], input = ''): string {
  const options = { cwd: join(DEPLOY, 'prometheus'), input, encoding: 'utf8' } as const
  const { status, stdout, stderr } = spawnSync('promtool', args, options)
  assert.equal(status, 0, `${stdout}${stderr}`)
  return `${stdout}${stderr}`
}

/** Which of our metrics a text speaks of. */
function named(text: string): Set<string> {
  const names = text.match(/\b(carillon|process)_[a-z_]+/g) ?? []
  return new Set(names.map((name) => name.replace(/_(bucket|sum|count)$/, '')))
}

describe('what is for Prometheus', () => {
  it('is good, says promtool', () => {
    promtool(['check', 'config', 'prometheus.yml'])
  })

  it('fires when it should and at no other time, says promtool', () => {
    promtool(['test', 'rules', 'alerts.test.yml'])
  })

  it('speaks of metrics that there are, and of each alert by name in its tests', () => {
    const known = new Set(Object.values(metrics).flatMap((part) => part.map(({ name }) => name)))
    const all = rules.groups.flatMap((group) => group.rules)
    assert.ok(all.length >= 10)
    const tests = readFileSync(join(DEPLOY, 'prometheus/alerts.test.yml'), 'utf8')
    for (const { alert, expr } of all) {
      for (const name of named(expr)) assert.ok(known.has(name), `${alert}: ${name}`)
      assert.ok(tests.includes(alert), alert)
    }
  })
})

describe('the dashboard', () => {
  it('shows every metric, and no other', () => {
    const shown = named(expressions.map(({ expr }) => expr).join('\n'))
    const known = Object.values(metrics).flatMap((part) => part.map(({ name }) => name))
    assert.deepEqual([...shown].toSorted(), known.toSorted())
  })

  it('says of each panel what it is', () => {
    const bare = dashboard.panels.filter(({ type, description }) => type !== 'row' && !description)
    assert.deepEqual(bare, [])
  })
})

/** It looks each second: whoever asks it more often than this only keeps both busy. */
function nextLook(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 200))
}

/** A Prometheus with our files, but for its target, and that it looks each second. */
class Prometheus {
  readonly url: string

  private constructor(url: string) {
    this.url = url
  }

  static async start(t: TestContext, server: Server, shortened = false): Promise<Prometheus> {
    const folder = temporaryFolder()
    cpSync(join(DEPLOY, 'prometheus'), folder, { recursive: true })
    const change = (file: string, edit: (text: string) => string): void => {
      const path = join(folder, file)
      writeFileSync(path, edit(readFileSync(path, 'utf8')))
    }
    change('prometheus.yml', (text) =>
      text.replaceAll('15s', '1s').replace('localhost:8080', `127.0.0.1:${server.port}`),
    )
    if (shortened) change('alerts.yml', (text) => text.replaceAll(/for: \d+m/g, 'for: 1s'))
    const program = startProgram(t, 'prometheus', [
      `--config.file=${folder}/prometheus.yml`,
      `--storage.tsdb.path=${folder}/data`,
      '--web.listen-address=127.0.0.1:0',
    ])
    const address = (): string | undefined =>
      program.errors
        .map((line) => /Listening on.*address=(\S+)/.exec(line)?.[1])
        .find((found) => found !== undefined)
    await until(() => address() !== undefined, 'it listens', 20_000)
    const url = `http://${address()}`
    const isReady = async (): Promise<boolean> => (await fetch(`${url}/-/ready`)).ok
    await until(isReady, 'it is ready', 20_000)
    return new Prometheus(url)
  }

  async ask<T>(path: string): Promise<T> {
    const response = await fetch(this.url + path)
    const { status, data, error } = (await response.json()) as {
      status: string
      data: T
      error?: string
    }
    assert.equal(status, 'success', `${path}: ${error}`)
    return data
  }

  async query(
    expr: string,
  ): Promise<{ metric: Record<string, string>; value: [number, string] }[]> {
    const path = `/api/v1/query?${new URLSearchParams({ query: expr })}`
    return (await this.ask<{ result: never[] }>(path)).result
  }

  async firing(): Promise<string[]> {
    const found = await this.query('ALERTS{alertstate="firing"}')
    return found.map(({ metric }) => metric['alertname'] as string).toSorted()
  }
}

describe('Prometheus, scraping a server', () => {
  let redis: RedisServer
  let server: Server
  const streams: RawSubscriber[] = []
  let publishing: NodeJS.Timeout

  before(async () => {
    redis = await startRedis()
    const args = ['--preset', 'emojitracker', '--threads', '2', '--api-events', 'public']
    server = await startServer(args, { env: { REDIS_URL: redis.url } })
    for (let count = 0; count < 20; count++) {
      streams.push(await new RawSubscriber(server.port, '/subscribe/').opened())
    }
    const client = await redisClient(redis.url)
    publishing = setInterval(() => {
      void client.publish('stream.score_updates', '2665').catch(() => {})
      void fetch(`${server.url}/api/events`, { method: 'POST', body: '{}' }).catch(() => {})
    }, 50)
  })

  after(async () => {
    clearInterval(publishing)
    for (const stream of streams) stream.close()
    await server?.stop()
    await redis?.stop()
  })

  it('finds nothing in the text to complain of', async () => {
    const text = await (await fetch(`${server.url}/metrics`)).text()
    assert.ok(text.includes('carillon_ready 1'))
    promtool(['check', 'metrics'], text)
  })

  it('has every figure that the dashboard shows, and fires no alert', async (t) => {
    const prometheus = await Prometheus.start(t, server)
    // A problem, so that there is a code to show.
    assert.equal((await fetch(`${server.url}/nothing`)).status, 404)
    // Who lags: only then are there such series.
    const empty = ['Slowest now, bytes', 'Slowest now, time']
    const without = async (asked: typeof expressions): Promise<typeof expressions> => {
      const found: typeof expressions = []
      for (const one of asked) if ((await prometheus.query(one.expr)).length === 0) found.push(one)
      return found
    }
    // All are asked only when none is left of those that had nothing the last time.
    let missing = expressions
    const isComplete = (): boolean => missing.every(({ title }) => empty.includes(title))
    const hasAll = async (): Promise<boolean> => {
      await nextLook()
      missing = await without(missing)
      if (isComplete()) missing = await without(expressions)
      return isComplete()
    }
    await until(hasAll, 'every panel has data', 60_000).catch(() => assert.deepEqual(missing, []))
    assert.equal(missing.length, empty.length)
    const [up] = await prometheus.query('up{job="carillon"}')
    assert.equal(up?.value[1], '1')
    const [deliveries] = await prometheus.query('carillon_deliveries_total')
    assert.ok(Number(deliveries?.value[1]) > 20)
    const { groups } = await prometheus.ask<{ groups: { rules: Record<string, string>[] }[] }>(
      '/api/v1/rules',
    )
    const evaluated = groups.flatMap((group) => group.rules)
    assert.equal(evaluated.length, rules.groups.flatMap((group) => group.rules).length)
    for (const { name, health, state } of evaluated) {
      assert.deepEqual([health, state], ['ok', 'inactive'], name)
    }
  })

  it('fires when Redis is lost, and when the server is', async (t) => {
    const lost = await startRedis()
    const args = ['--preset', 'emojitracker', '--threads', '1']
    const second = await startServer(args, { env: { REDIS_URL: lost.url } })
    t.after(() => second.stop())
    const prometheus = await Prometheus.start(t, second, true)
    await until(
      async () => (await prometheus.query('carillon_ready == 1')).length > 0,
      'it is up',
      20_000,
    )
    assert.deepEqual(await prometheus.firing(), [])
    await lost.stop()
    let firing: string[] = []
    const fires =
      (...alerts: string[]) =>
      async (): Promise<boolean> => {
        await nextLook()
        firing = await prometheus.firing()
        return alerts.join() === firing.join()
      }
    await until(fires('CarillonNotReady', 'CarillonSourceDown'), 'they fire', 20_000).catch(() =>
      assert.deepEqual(firing, ['CarillonNotReady', 'CarillonSourceDown']),
    )
    await second.stop()
    await until(fires('CarillonDown'), 'it fires', 20_000).catch(() =>
      assert.deepEqual(firing, ['CarillonDown']),
    )
  })
})
