// aedes on two free ports of 127.0.0.1: MQTT over TCP, and MQTT over WebSocket. It says where.
import { createServer } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import Aedes from 'aedes'
import { createWebSocketStream, WebSocketServer } from 'ws'

const host = '127.0.0.1'
const broker = new Aedes()

const tcp = createTcpServer(broker.handle)
tcp.listen(0, host, () => {
  const web = createServer()
  const sockets = new WebSocketServer({ server: web, path: '/mqtt', handleProtocols: choose })
  sockets.on('connection', (socket, request) => {
    broker.handle(createWebSocketStream(socket), request)
  })
  web.listen(0, host, () => {
    console.log(`listening on ${tcp.address().port} and ${web.address().port}`)
  })
})

broker.on('subscribe', (subscriptions, client) => {
  const filters = subscriptions.map(({ topic }) => topic)
  console.log(`subscribed ${client.id} ${filters.join(' ')}`)
})
broker.on('clientDisconnect', ({ id }) => console.log(`gone ${id}`))

// MQTT 3.1.1, section 6: the client offers this name, and the server must answer with it.
function choose (offered) {
  return offered.has('mqtt') ? 'mqtt' : false
}
