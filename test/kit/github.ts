// A stand-in for the part of GitHub's API that makes releases: it keeps what it is told.
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

export interface Release {
  readonly tag_name: string
  readonly body: string
  draft: boolean
  /** Names and sizes in bytes of its files. */
  readonly assets: Map<string, number>
}

export interface GitHub {
  readonly url: string
  readonly releases: Release[]
  /** Requests that it knows nothing of. */
  readonly unknown: string[]
}

export async function startGitHub(t: TestContext, repository: string): Promise<GitHub> {
  const releases: Release[] = []
  const unknown: string[] = []
  const api = `/repos/${repository}`
  let url = ''

  async function answer(request: IncomingMessage): Promise<[number, unknown]> {
    const { pathname, searchParams } = new URL(`${request.url}`, url)
    const body = Buffer.concat(await request.toArray())
    const number = /\/releases\/(\d+)(\/assets)?$/.exec(pathname)?.[1]
    const release = releases[Number(number)]
    if (`${request.method} ${pathname}` === `GET ${api}`) {
      const clone_url = `https://github.com/${repository}.git`
      return [200, { full_name: repository, clone_url, permissions: { push: true } }]
    }
    if (`${request.method} ${pathname}` === `POST ${api}/releases`) {
      const id = releases.push({ ...JSON.parse(`${body}`), assets: new Map() }) - 1
      return [201, { id, html_url: `${url}/${id}`, upload_url: uploadUrl(id) }]
    }
    if (request.method === 'POST' && release && pathname.endsWith('/assets')) {
      release.assets.set(`${searchParams.get('name')}`, body.length)
      return [201, { browser_download_url: `${url}/${searchParams.get('name')}` }]
    }
    if (request.method === 'PATCH' && release) {
      Object.assign(release, JSON.parse(`${body}`))
      return [200, { html_url: `${url}/${number}` }]
    }
    unknown.push(`${request.method} ${request.url}`)
    return [404, { message: 'Not Found' }]
  }

  function uploadUrl(id: number): string {
    return `${url}${api}/releases/${id}/assets{?name,label}`
  }

  const server = createServer(async (request, response) => {
    const [status, document] = await answer(request)
    response.writeHead(status, { 'Content-Type': 'application/json' })
    response.end(JSON.stringify(document))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, releases, unknown }
}
