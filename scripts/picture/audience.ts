// Those who read the sandbox's streams for the picture of the admin page: some hundreds on several
// topics, with addresses that are only for documents (RFC 5737), and a few who read nothing.
import { connect, type Socket } from 'node:net'

const READERS = 320
const SLEEPERS = 4
/** One who reads nothing does not see that it is closed: it comes back after so long, in ms. */
const SLEEP_MS = 80_000

const PATHS = [
  '/subscribe/eps',
  '/subscribe/eps',
  '/subscribe/raw',
  '/subscribe/details/1F602',
  '/subscribe/details/2665',
  '/subscribe/details/1F680',
  '/subscribe/details',
]
const NETS = ['192.0.2', '198.51.100', '203.0.113']
const AGENTS = [
  'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36',
  'python-requests/2.32.5',
  'okhttp/5.1.0',
]

export class Audience {
  readonly #port: number
  readonly #sockets = new Set<Socket>()
  #isOver = false

  constructor(port: number) {
    this.#port = port
    for (let number = 0; number < READERS; number++) this.#read(number)
    for (let number = 0; number < SLEEPERS; number++) {
      setTimeout(() => this.#sleep(number), (number * SLEEP_MS) / SLEEPERS).unref()
    }
  }

  close(): void {
    this.#isOver = true
    for (const socket of this.#sockets) socket.destroy()
  }

  #read(number: number): void {
    this.#open(number, at(PATHS, number)).resume()
  }

  #sleep(number: number): void {
    if (this.#isOver) return
    const socket = this.#open(READERS + number, '/subscribe/').pause()
    setTimeout(() => {
      socket.destroy()
      this.#sleep(number)
    }, SLEEP_MS).unref()
  }

  #open(number: number, path: string): Socket {
    const address = `${at(NETS, number)}.${1 + (number % 250)}`
    const socket = connect(this.#port, '127.0.0.1')
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: ${address}\r\n\
User-Agent: ${at(AGENTS, number)}\r\n\r\n`,
    )
    // One who is closed is part of the picture.
    socket.on('error', () => {})
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    return socket
  }
}

function at(list: readonly string[], number: number): string {
  return list[number % list.length] as string
}
