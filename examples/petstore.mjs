// The example of sseserver's README: a subscriber of a topic gets what is below it, too. Start it with
// node examples/petstore.mjs, then listen to all pets, or to one kind of them:
//   curl -N localhost:8001/subscribe/pets
//   curl -N localhost:8001/subscribe/pets/dogs
import { setTimeout as wait } from 'node:timers/promises'
import { carillon } from 'carillon'

/** What arrives, after how many seconds. */
const arrivals = [
  [5, { topic: '/pets/dogs', event: 'new-dog', data: 'Corgi' }],
  [0, { topic: '/pets/cats', event: 'new-cat', data: 'Persian' }],
  [1, { topic: '/pets/dogs', event: 'new-dog', data: 'Terrier' }],
  [0, { topic: '/pets/dogs', event: 'new-dog', data: 'Dachshund' }],
  [2, { topic: '/pets/cats', event: 'new-cat', data: 'LOLcat' }],
]
/** Less than 1 makes it faster. */
const pace = Number(process.env.PACE ?? 1)

const dispatcher = await carillon({ port: Number(process.env.PORT ?? 8001), threads: 1 })
console.log(`listening on ${dispatcher.url}/subscribe/pets`)

const over = new AbortController()
process.once('SIGINT', () => over.abort())
try {
  for (;;) {
    for (const [seconds, event] of arrivals) {
      await wait(seconds * pace * 1000, undefined, over)
      dispatcher.publish(event)
      console.log(`${event.topic}: ${event.data}`)
    }
  }
} catch (error) {
  if (!over.signal.aborted) throw error
}
await dispatcher.close()
