import { once } from 'node:events'
import { createServer } from 'node:net'

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address ? address.port : 0
}

/** Asks until it does not fail, for a minute. */
export async function until<T>(ask: () => Promise<T>, pause = 5): Promise<T> {
  const deadline = performance.now() + 60_000
  for (;;)
    try {
      return await ask()
    } catch (error) {
      if (performance.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
}
