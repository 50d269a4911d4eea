// The time, once a second, to everybody who listens: node examples/clock.mjs, then
//   curl -N localhost:8001/subscribe/time
import { carillon } from 'carillon'

const dispatcher = await carillon({ port: Number(process.env.PORT ?? 8001), threads: 1 })
console.log(`listening on ${dispatcher.url}/subscribe/time`)

const clock = setInterval(() => {
  dispatcher.publish({ topic: '/time', data: new Date().toISOString() })
}, 1000)

process.once('SIGINT', async () => {
  clearInterval(clock)
  await dispatcher.close()
})
