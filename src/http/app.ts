// The uWS apps of a shard: the port, the certificate, and how many connections there are. Shard
// thread. With the traps of the pinned uWebSockets.js build, docs/architecture.md tells each.
import {
  App,
  type HttpResponse,
  SSLApp,
  type TemplatedApp,
  type us_listen_socket,
  us_listen_socket_close,
} from 'uWebSockets.js'
import type { Config } from '../config/option.ts'
import type { Census } from '../shard/census.ts'

// What the build's types leave out.
interface AppWithDescriptors extends TemplatedApp {
  getDescriptor(): number
  addChildAppDescriptor(descriptor: number): void
  removeChildAppDescriptor(descriptor: number): void
}

/** A uWS app, which has one certificate for as long as it lives. */
interface Front {
  readonly app: AppWithDescriptors
  connections: number
  /** It gets no connection any more, and is closed when it has none. */
  isRetired: boolean
}

/** How long a connection that was accepted may take to its app, in ms: a turn or two. */
const HANDOVER_MS_MAX = 1000

export class HttpApp {
  readonly #config: Config
  readonly #census: Census
  readonly #install: (app: TemplatedApp) => void
  /** Serves new connections. */
  #front: Front
  /** That one, and those with earlier certificates. */
  readonly #fronts = new Set<Front>()
  /** Accepts connections: a front, or, where shards cannot share the port, an app for them all. */
  #listener: AppWithDescriptors | undefined
  readonly #listenSockets: us_listen_socket[] = []

  /** @param install puts the routes on an app @throws Error for a certificate that uWS refuses */
  constructor(config: Config, census: Census, install: (app: TemplatedApp) => void) {
    this.#config = config
    this.#census = census
    this.#install = install
    this.#front = this.#open()
  }

  /**
   * Listens, several times on the one port: a listen socket queues 512 connections, and 10,000
   * that come at once would lose SYNs and wait a second for each.
   * @returns false where the port cannot be listened on
   */
  listen(port: number): boolean {
    const { host, listenSockets: count } = this.#config
    this.#listener ??= this.#front.app
    const keep = (token: us_listen_socket | false): void => {
      if (token !== false) this.#listenSockets.push(token)
    }
    for (let socket = 0; socket < count; socket++) {
      if (host === '*') this.#listener.listen(port, keep)
      else this.#listener.listen(host, port, keep)
    }
    return this.#listenSockets.length === count
  }

  /** For shards that cannot share the port: what `adopt` in the accepting shard takes. */
  get descriptor(): number {
    return this.#front.app.getDescriptor()
  }

  /** Hands every connection that this shard accepts to the app of this descriptor, in turn. */
  adopt(descriptor: number): void {
    // Not of #open: it has no routes, and whoever it hands a connection to counts it.
    this.#listener ??= this.#create()
    this.#listener.addChildAppDescriptor(descriptor)
  }

  /** Hands none to it any more. */
  disown(descriptor: number): void {
    this.#listener?.removeChildAppDescriptor(descriptor)
  }

  /**
   * Connections from now on get the certificate that the files hold now, by a second app; the first
   * keeps those that it has until they end. The listen sockets stay, because closing one resets the
   * connections that wait in it: the app that has them hands what it accepts to the second.
   * @throws Error, and all stays as it was, for a certificate that uWS refuses
   */
  renewCertificate(): void {
    const old = this.#front
    this.#front = this.#open()
    const listener = [...this.#fronts].find(({ app }) => app === this.#listener)
    // Where shards cannot share the port, the hub sees to it by adopt and disown, and nobody can
    // tell when no connection is on its way to the old app any more: it stays, some 100 KiB.
    if (listener === undefined) return
    this.adopt(this.descriptor)
    if (old === listener) return
    this.disown(old.app.getDescriptor())
    setTimeout(() => {
      old.isRetired = true
      this.#endIfLeft(old)
    }, HANDOVER_MS_MAX).unref()
  }

  /** No new connections; those that are open go on. */
  stopListening(): void {
    for (const socket of this.#listenSockets.splice(0)) us_listen_socket_close(socket)
  }

  /**
   * Closes everything at once. It must be called before the thread ends, however it ends: a uWS
   * socket left open aborts the whole process.
   */
  close(): void {
    const apps = new Set([...this.#fronts].map(({ app }) => app))
    this.#fronts.clear()
    // Where shards cannot share the port, it is none of them.
    if (this.#listener !== undefined) apps.add(this.#listener)
    for (const app of apps) app.close()
  }

  #open(): Front {
    const front: Front = { app: this.#create(), connections: 0, isRetired: false }
    this.#fronts.add(front)
    front.app.filter((response, by) => this.#count(front, response, by))
    this.#install(front.app)
    return front
  }

  #create(): AppWithDescriptors {
    const { tlsCert, tlsKey } = this.#config
    if (tlsCert === '') return App() as AppWithDescriptors
    try {
      return SSLApp({
        cert_file_name: tlsCert,
        key_file_name: tlsKey,
        // Measured with 2,000 idle streams: 2.3 KiB each, else 3.0.
        ssl_prefer_low_memory_usage: true,
      }) as AppWithDescriptors
    } catch (cause) {
      // It says no more than "App construction failed".
      throw new Error(`uWebSockets.js cannot use ${tlsCert} with ${tlsKey}`, { cause })
    }
  }

  /** A connection came or went, before its first request. */
  #count(front: Front, response: HttpResponse, by: number): void {
    front.connections += by
    const census = this.#census
    census.changed(by)
    if (by < 0) this.#endIfLeft(front)
    else if (census.isOver) {
      census.closed++
      // It counts itself out again, within this call.
      response.close()
    }
  }

  #endIfLeft(front: Front): void {
    if (!front.isRetired || front.connections > 0) return
    // Its last connection is still closing.
    setImmediate(() => this.#end(front))
  }

  #end(front: Front): void {
    if (this.#fronts.delete(front)) front.app.close()
  }
}
