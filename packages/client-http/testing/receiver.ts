import { createServer, type IncomingHttpHeaders } from 'node:http'
import { text } from 'node:stream/consumers'
import { listen } from './listen.ts'

/** One request, as it arrived. */
export interface Received {
  readonly method: string
  /** Path and query. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** What is answered to it. */
export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** A mock of whatever takes requests over HTTP, until the test ends: it notes each, and answers what the test says. */
export async function startReceiver(answer: (asked: Received) => Answer = () => ({ status: 204 })) {
  const received: Received[] = []
  const server = createServer((request, response) => {
    const { method = '', url: path = '', headers } = request
    const take = async () => {
      const asked = { method, path, headers, body: await text(request) }
      received.push(asked)
      return answer(asked)
    }
    take().then(
      ({ status, headers, body }) => response.writeHead(status, headers).end(body),
      () => response.destroy(),
    )
  })
  return { url: `http://127.0.0.1:${await listen(server)}`, received }
}
