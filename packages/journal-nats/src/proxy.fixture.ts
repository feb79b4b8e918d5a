import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** A way to NATS that can be blocked: what is sent is kept, and arrives late. */
export interface Proxy {
  readonly url: string
  block(): void
  unblock(): void
  close(): Promise<void>
}

export async function openProxy(target: string): Promise<Proxy> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  let blocked = false
  const server = createServer((from) => {
    const to = connect(Number(port), hostname)
    for (const [a, b] of [
      [from, to],
      [to, from],
    ] as const) {
      sockets.add(a)
      a.on('data', (chunk) => b.write(chunk))
      a.on('error', () => {})
      a.on('close', () => {
        sockets.delete(a)
        b.destroy()
      })
      if (blocked) a.pause()
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    url: `nats://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    block() {
      blocked = true
      for (const socket of sockets) socket.pause()
    },
    unblock() {
      blocked = false
      for (const socket of sockets) socket.resume()
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
