import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'

/** What the webhook is told, as far as the story needs it. */
export interface Told {
  readonly status: 'success' | 'failure' | 'ignored'
  readonly summary: string
  readonly error?: string
  readonly rule: string
  readonly actionner: string
  readonly output_target?: string
  readonly dry_run: boolean
  readonly duration_ms: number
  readonly trace_id: string
  /** When it arrived, by `performance.now()`. */
  readonly arrived: number
}

/** The other end of the webhook notifier. */
export interface Receiver {
  readonly url: string
  /** What was told of one event, as soon as there is as much as is waited for. */
  told(traceId: string, count: number): Promise<readonly Told[]>
  close(): void
}

/** Milliseconds after which nothing more is expected. */
const PATIENCE = 10_000

export async function startReceiver(): Promise<Receiver> {
  const all: Told[] = []
  const server = createServer((request, response) => {
    void take(request).then((status) => response.writeHead(status).end())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')

  async function take(request: IncomingMessage): Promise<number> {
    try {
      const report = (await json(request)) as Omit<Told, 'arrived'>
      all.push({ ...report, arrived: performance.now() })
      server.emit('told')
      return 204
    } catch {
      return 400
    }
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async told(traceId, count) {
      const signal = AbortSignal.timeout(PATIENCE)
      for (;;) {
        const mine = all.filter((told) => told.trace_id === traceId)
        if (mine.length >= count) return mine
        await once(server, 'told', { signal }).catch(() => {
          throw new Error(
            `the webhook was told ${mine.length} of ${count} results of the event in ${PATIENCE / 1000} s`,
          )
        })
      }
    },
    close: () => server.close().closeAllConnections(),
  }
}
