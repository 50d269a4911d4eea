// Loaded before the server (node --import) in tests in which somebody sets the system's clock: at
// SIGUSR2 it goes by CLOCK_JUMP_MS, for all threads. The server itself knows nothing of this.
import { BroadcastChannel, isMainThread } from 'node:worker_threads'

const channel = new BroadcastChannel('carillon-test-clock-jump')
channel.unref()
const now = Date.now
let jumpedMs = 0
Date.now = () => now() + jumpedMs

function jump() {
  jumpedMs += Number(process.env.CLOCK_JUMP_MS)
}

channel.onmessage = jump
if (isMainThread) {
  process.on('SIGUSR2', () => {
    jump()
    channel.postMessage('jump')
  })
}
