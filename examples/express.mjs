// Beside Express: the application has its routes and its port, the dispatcher has the streams. Needs
// `npm install express`; start it with node examples/express.mjs and open http://localhost:3000/.
import { carillon } from 'carillon'
import express from 'express'

const dispatcher = await carillon({
  port: Number(process.env.SSE_PORT ?? 8001),
  threads: 1,
  // Pages of this application only. Nobody but this program can publish.
  corsOrigins: [`http://localhost:${process.env.PORT ?? 3000}`],
  apiEvents: 'loopback',
})

const page = `<!doctype html>
<title>Orders</title>
<button onclick="fetch('/orders', { method: 'POST' })">Order</button>
<ul id="orders"></ul>
<script>
  new EventSource('${dispatcher.url}/subscribe/orders').addEventListener('order', ({ data }) => {
    const item = document.createElement('li')
    item.textContent = 'Order ' + JSON.parse(data).number
    document.querySelector('#orders').append(item)
  })
</script>`

let number = 0
const app = express()
app.get('/', (_request, response) => {
  response.send(page)
})
app.post('/orders', (_request, response) => {
  const data = JSON.stringify({ number: ++number })
  const isTaken = dispatcher.publish({ topic: '/orders', event: 'order', data })
  response.sendStatus(isTaken ? 201 : 503)
})
const server = app.listen(Number(process.env.PORT ?? 3000), () => {
  console.log(`open http://localhost:${server.address().port}/; streams: ${dispatcher.url}`)
})

process.once('SIGINT', async () => {
  server.close()
  server.closeAllConnections()
  await dispatcher.close()
})
