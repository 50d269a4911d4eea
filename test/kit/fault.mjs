// Loaded before the server (node --import) in tests that kill a shard: at SIGUSR2 the shard whose
// thread started last throws where nobody catches it. The server itself knows nothing of this.
import { BroadcastChannel, isMainThread, threadId } from 'node:worker_threads'

const channel = new BroadcastChannel('carillon-test-fault')
channel.unref()

if (isMainThread) {
  let last = 0
  channel.onmessage = ({ data }) => {
    last = Math.max(last, data.started ?? 0)
  }
  process.on('SIGUSR2', () => channel.postMessage({ kill: last }))
} else {
  channel.onmessage = ({ data }) => {
    if (data.kill !== threadId) return
    setImmediate(() => {
      throw new Error('fault injected by a test')
    })
  }
  channel.postMessage({ started: threadId })
}
