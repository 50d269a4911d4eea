// Loaded before the server (node --import) in tests that kill a shard: at SIGUSR2 the shard whose thread
// started last throws where nobody catches it; with FAULT_IN_TURN, the one that started first of those
// that live. The server itself knows nothing of this.
import { BroadcastChannel, isMainThread, threadId } from 'node:worker_threads'

const channel = new BroadcastChannel('carillon-test-fault')
channel.unref()

if (isMainThread) {
  const started = []
  channel.onmessage = ({ data }) => {
    if (data.started !== undefined) started.push(data.started)
  }
  process.on('SIGUSR2', () => {
    const kill = process.env.FAULT_IN_TURN === undefined ? Math.max(...started) : started.shift()
    channel.postMessage({ kill })
  })
} else {
  channel.onmessage = ({ data }) => {
    if (data.kill !== threadId) return
    setImmediate(() => {
      throw new Error('fault injected by a test')
    })
  }
  channel.postMessage({ started: threadId })
}
