// Redis in the forms that production has it in: behind TLS, with Sentinels that fail over, a Cluster.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { freePort } from '../../scripts/free-port.ts'
import { makeCertificate } from '../kit/certificate.ts'
import { temporaryFolder } from '../kit/folder.ts'
import { isReady, sourceOf } from '../kit/ready.ts'
import { type RedisServer, redisClient, startRedis, startSentinel } from '../kit/redis.ts'
import { runCommand, startServer } from '../kit/server.ts'
import { RawSubscriber } from '../kit/subscriber.ts'
import { until } from '../kit/until.ts'

const PRESET = ['--preset', 'emojitracker', '--threads', '1']
const REPORT = ['--status-report-seconds', '1', '--node-name', 'node-test-1']

/** Two nodes, half of the slots each. */
async function startCluster(): Promise<RedisServer[]> {
  const nodes: RedisServer[] = []
  const busPorts: number[] = []
  for (const slots of ['0 8191', '8192 16383']) {
    const busPort = await freePort()
    const folder = temporaryFolder()
    const cluster = ['--cluster-enabled', 'yes', '--cluster-port', `${busPort}`, '--dir', folder]
    const node = await startRedis(cluster)
    const client = await redisClient(node.url)
    await client.sendCommand(['CLUSTER', 'ADDSLOTSRANGE', ...slots.split(' ')])
    nodes.push(node)
    busPorts.push(busPort)
  }
  const [first, second] = nodes as [RedisServer, RedisServer]
  const client = await redisClient(first.url)
  const other = ['127.0.0.1', `${second.port}`, `${busPorts[1]}`]
  await client.sendCommand(['CLUSTER', 'MEET', ...other])
  const isWhole = async (): Promise<boolean> => {
    const infos = await Promise.all(
      nodes.map(async ({ url }) => (await redisClient(url)).sendCommand(['CLUSTER', 'INFO'])),
    )
    return infos.every((info) => /cluster_state:ok.*cluster_known_nodes:2/s.test(String(info)))
  }
  await until(isWhole, 'the cluster is whole', 20_000)
  return nodes
}

async function ownerOf(
  nodes: readonly RedisServer[],
  key: string,
): Promise<Awaited<ReturnType<typeof redisClient>>> {
  for (const { url } of nodes) {
    const client = await redisClient(url)
    const isOwner = await client.exists(key).then(
      () => true,
      () => false,
    )
    if (isOwner) return client
  }
  throw new Error('no node has the slot')
}

// They wait for Redis's own clocks, each with servers of its own.
describe('Redis in production', { concurrency: true }, () => {
  describe('rediss://', () => {
    it('speaks TLS to a server of a trusted authority, and to no other', async () => {
      const { certificate, key } = makeCertificate(temporaryFolder())
      const tlsPort = await freePort()
      const tls = ['--tls-port', `${tlsPort}`, '--tls-auth-clients', 'no']
      const trust = ['--tls-cert-file', certificate, '--tls-key-file', key]
      const redis = await startRedis([...tls, ...trust, '--tls-ca-cert-file', certificate])

      const env = { REDIS_URL: `rediss://localhost:${tlsPort}` }
      const refused = await runCommand([...PRESET, '--host', '127.0.0.1', '--port', '0'], env)
      assert.equal(refused.code, 1)
      assert.match(refused.stderr, /self.signed certificate/)

      const server = await startServer(PRESET, {
        env: { ...env, NODE_EXTRA_CA_CERTS: certificate },
      })
      const raw = await new RawSubscriber(server.port, '/subscribe/raw').opened()
      await (await redisClient(redis.url)).publish('stream.score_updates', '2665')
      await raw.received(1)
      raw.close()
      assert.equal(await server.stop(), 0)
      await redis.stop()
    })
  })

  describe('redis+sentinel://', () => {
    it('follows the master through a failover, and reports its status there', async () => {
      const login = ['--requirepass', 'secret', '--masterauth', 'secret']
      const master = await startRedis(login)
      const replica = await startRedis([...login, '--replicaof', '127.0.0.1', `${master.port}`])
      const sentinel = await startSentinel('mymaster', master.port)
      const admin = await redisClient(sentinel.url)
      await admin.sendCommand(['SENTINEL', 'SET', 'mymaster', 'auth-pass', 'secret'])
      const knows = async (): Promise<boolean> =>
        JSON.stringify(await admin.sendCommand(['SENTINEL', 'REPLICAS', 'mymaster'])).includes(
          `127.0.0.1:${replica.port}`,
        )
      await until(knows, 'the Sentinel knows the replica', 20_000)

      const copy = await redisClient(`redis://:secret@127.0.0.1:${replica.port}`)
      const isSynced = async (): Promise<boolean> =>
        String(await copy.info('replication')).includes('master_link_status:up')
      await until(isSynced, 'the replica has what the master has', 20_000)

      const absent = `127.0.0.1:${await freePort()}`
      const nodes = `${absent},127.0.0.1:${sentinel.port}`
      const env = { REDIS_URL: `redis+sentinel://:secret@${nodes}/mymaster` }
      const server = await startServer([...PRESET, ...REPORT], { env })
      const raw = await new RawSubscriber(server.port, '/subscribe/raw').opened()
      const secretUrl = (port: number): string => `redis://:secret@127.0.0.1:${port}`
      const before = await redisClient(secretUrl(master.port))
      await before.publish('stream.score_updates', '1')
      await raw.received(1)
      before.destroy()

      await master.stop('SIGKILL')
      await until(async () => (await sourceOf(server)).state === 'down', 'it is down')
      await until(() => isReady(server), 'it has the new master', 40_000)
      const after = await redisClient(secretUrl(replica.port))
      await after.publish('stream.score_updates', '2')
      await raw.received(2)
      assert.deepEqual(raw.events, ['1', '2'])
      const reported = async (): Promise<boolean> =>
        (await after.hGet('admin_stream_status', 'node-test-1')) !== null
      await until(reported, 'the status is reported to the new master')
      raw.close()
      assert.equal(await server.stop(), 0)
      for (const redis of [sentinel, replica]) await redis.stop()
    })

    it('says so where the Sentinel knows no such master', async () => {
      const master = await startRedis()
      const sentinel = await startSentinel('mymaster', master.port)
      const env = { REDIS_URL: `redis+sentinel://127.0.0.1:${sentinel.port}/other` }
      const { code, stderr } = await runCommand([...PRESET, '--port', '0'], env)
      assert.equal(code, 1)
      assert.match(stderr, /the Sentinel knows no master named other/)
      for (const redis of [sentinel, master]) await redis.stop()
    })
  })

  describe('redis+cluster://', () => {
    it('has the messages of all nodes from any, goes to another when it is lost, and reports', async () => {
      const nodes = await startCluster()
      const [first, second] = nodes as [RedisServer, RedisServer]
      const hosts = nodes.map(({ port }) => `127.0.0.1:${port}`)
      const urls = [hosts, hosts.toReversed()].map((list) => `redis+cluster://${list.join(',')}`)
      const servers = await Promise.all(
        urls.map((REDIS_URL, index) =>
          startServer([...PRESET, ...REPORT, '--node-name', `node-test-${index}`], {
            env: { REDIS_URL },
          }),
        ),
      )
      const raws = await Promise.all(
        servers.map(({ port }) => new RawSubscriber(port, '/subscribe/raw').opened()),
      )
      const client = await redisClient(second.url)
      await (await redisClient(first.url)).publish('stream.score_updates', '1')
      await client.publish('stream.score_updates', '2')
      for (const raw of raws) {
        await raw.received(2)
        assert.deepEqual(raw.events.toSorted(), ['1', '2'])
      }
      // One of the two is connected to the node that has not the hash's slot.
      const owner = await ownerOf(nodes, 'admin_stream_status')
      const hash = async (): Promise<string[]> => owner.hKeys('admin_stream_status')
      await until(async () => (await hash()).length === 2, 'both have reported')
      assert.deepEqual((await hash()).toSorted(), ['node-test-0', 'node-test-1'])

      await first.stop('SIGKILL')
      const [left] = servers as [(typeof servers)[0]]
      await until(async () => (await sourceOf(left)).connects === 2, 'it is on the other node')
      await client.publish('stream.score_updates', '3')
      await raws[0]?.received(3)
      for (const raw of raws) raw.close()
      for (const server of servers) assert.equal(await server.stop(), 0)
      await second.stop()
    })
  })
})
