import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** Stands before a server on loopback, so that a connection can stand still, or break, in the middle of a request. */
export interface Relay {
  /** Host and port. */
  readonly endpoint: string
  /** From now on lets so many bytes pass to the server, and no more; settles when they have passed. */
  hold(bytes: number): Promise<void>
  /** Lets pass what comes from now on; connections that stood still are broken. */
  release(): void
  close(): Promise<void>
}

export async function startRelay(target: string): Promise<Relay> {
  const [host = '', port = ''] = target.split(':')
  let [left, held] = [Infinity, () => {}]
  const sockets = new Set<Socket>()

  const server = createServer((client) => {
    const upstream = connect(Number(port), host)
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from)
      from.on('error', () => to.destroy()).on('close', () => to.destroy() && sockets.delete(from))
    }
    upstream.pipe(client)
    client.on('data', (chunk: Buffer) => {
      const passing = chunk.subarray(0, Math.min(chunk.byteLength, left))
      left -= passing.byteLength
      if (passing.byteLength && !upstream.write(passing)) {
        client.pause()
        upstream.once('drain', () => client.resume())
      }
      if (left > 0) return
      client.pause()
      held()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const breakAll = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    endpoint: `127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    hold(bytes) {
      left = bytes
      return new Promise((resolve) => (held = resolve))
    },
    release() {
      left = Infinity
      breakAll()
    },
    async close() {
      breakAll()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
