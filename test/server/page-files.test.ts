// The admin page's files: how they are sent, what they allow a browser, and who gets them.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { exchange } from '../kit/raw.ts'
import { type Server, sharedServer } from '../kit/server.ts'

const FILES = [
  ['/admin/', 'text/html; charset=utf-8'],
  ['/admin/admin.js', 'text/javascript; charset=utf-8'],
  ['/admin/page.css', 'text/css; charset=utf-8'],
] as const

function share(...args: string[]): Promise<Server> {
  return sharedServer(['--threads', '1', ...args])
}

describe('the files of the admin page', () => {
  it('are sent with their type, for a browser to keep and to ask again', async () => {
    const server = await share()
    for (const [path, type] of FILES) {
      const response = await fetch(server.url + path)
      assert.equal(response.status, 200)
      assert.equal(response.headers.get('content-type'), type)
      assert.equal(response.headers.get('x-content-type-options'), 'nosniff')
      assert.equal(response.headers.get('cache-control'), 'no-cache')
      const text = await response.text()
      assert.ok(text.length > 1000, path)
      const tag = response.headers.get('etag') ?? ''
      assert.match(tag, /^"[\w-]{16}"$/)
      const head = await fetch(server.url + path, { method: 'HEAD' })
      assert.equal(head.headers.get('content-length'), `${Buffer.byteLength(text)}`)
      for (const known of [tag, `W/${tag}`, `"other", ${tag}`]) {
        const answer = await fetch(server.url + path, { headers: { 'If-None-Match': known } })
        assert.deepEqual([answer.status, await answer.text()], [304, ''], known)
        assert.equal(answer.headers.get('etag'), tag)
      }
      const other = await fetch(server.url + path, { headers: { 'If-None-Match': '"other"' } })
      assert.equal(other.status, 200)
      await other.arrayBuffer()
    }
  })

  it('leave the connection in step after 304, 301 and HEAD', async () => {
    const server = await share()
    const ask = (method: string, path: string, headers = ''): string =>
      `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`
    const tag = (await fetch(`${server.url}/admin/`)).headers.get('etag')
    const answers = await exchange(server.port, [
      ask('GET', '/admin/', `If-None-Match: ${tag}\r\n`),
      ask('GET', '/admin'),
      ask('HEAD', '/admin/admin.js'),
      ask('GET', '/ready'),
    ])
    const statuses = [...answers.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)
    assert.deepEqual(statuses, ['304', '301', '200', '200'])
    assert.ok(answers.includes('\r\nLocation: /admin/\r\n'))
    assert.ok(answers.endsWith('}'), 'the last one has its body')
  })

  it('allow the page its own script and style, its server, and nothing else', async () => {
    const server = await share()
    const { headers } = await fetch(`${server.url}/admin/`)
    const policy = headers.get('content-security-policy')?.split('; ') ?? []
    assert.ok(policy.includes("default-src 'none'"))
    for (const kind of ['script-src', 'style-src', 'connect-src']) {
      assert.ok(policy.includes(`${kind} 'self'`), kind)
    }
    assert.ok(policy.includes("frame-ancestors 'none'"))
    assert.ok(policy.every((part) => !part.includes('unsafe') && !part.includes('*')))
    assert.equal(headers.get('referrer-policy'), 'no-referrer')
  })

  it('name no other host', async () => {
    const server = await share()
    for (const [path] of FILES) {
      const text = await (await fetch(server.url + path)).text()
      const hosts = [...text.matchAll(/https?:\/\/[\w.-]+/g)].map(([url]) => url)
      // The name of a name space is no address.
      assert.deepEqual(
        hosts.filter((url) => url !== 'http://www.w3.org'),
        [],
      )
    }
  })

  const paths = [...FILES.map(([path]) => path), '/admin']
  const forwarded = { 'X-Forwarded-For': '192.0.2.1' }

  async function statuses(server: Server, headers: Record<string, string>): Promise<number[]> {
    const asked = paths.map(async (path) => {
      const response = await fetch(server.url + path, { headers, redirect: 'manual' })
      await response.arrayBuffer()
      return response.status
    })
    return Promise.all(asked)
  }

  it('are for this machine only, as all of /admin', async () => {
    const server = await share()
    assert.deepEqual(await statuses(server, {}), [200, 200, 200, 301])
    assert.deepEqual(await statuses(server, forwarded), [403, 403, 403, 403])
  })

  it('are for everyone where the status is', async () => {
    const server = await share('--admin', 'public')
    assert.deepEqual(await statuses(server, forwarded), [200, 200, 200, 301])
  })

  it('are for everyone where a token guards the figures: the page asks for it', async () => {
    const server = await share('--admin-token', 'admin-0123456789abc')
    assert.deepEqual(await statuses(server, forwarded), [200, 200, 200, 301])
    assert.equal((await fetch(`${server.url}/admin/events`)).status, 401)
    assert.equal((await fetch(`${server.url}/admin/connections.json`)).status, 401)
  })

  it('are for nobody with --admin off', async () => {
    const server = await share('--admin', 'off', '--admin-token', 'admin-0123456789abc')
    assert.deepEqual(await statuses(server, {}), [403, 403, 403, 403])
    const response = await fetch(`${server.url}/admin/`)
    assert.equal(await response.text(), '403 admin endpoint disabled')
  })
})
