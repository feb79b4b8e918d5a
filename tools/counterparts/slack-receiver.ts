import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { text as textOf } from 'node:stream/consumers'
import { refusalOf, type SlackMessage } from './slack-rules.ts'

/** An answer that is ordered. */
export interface SlackAnswer {
  readonly status: number
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

/** A receiver of our own that refuses what Slack documents that it refuses. It is not Slack. */
export interface SlackReceiver {
  /** Address of its one webhook. */
  readonly url: string
  /** What it took, as it came. */
  readonly messages: readonly SlackMessage[]
  /** Requests that arrived, refused and unanswered ones too. */
  readonly requests: number
  /** Orders the answer of the next request; several are given one after the other. */
  answer(next: SlackAnswer): void
  close(): Promise<void>
}

const PATH = '/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX'

/** Starts one on a free port. A silent one takes connections and requests, and never answers. */
export async function startSlackReceiver({ silent = false } = {}): Promise<SlackReceiver> {
  const messages: SlackMessage[] = []
  const ordered: SlackAnswer[] = []
  let requests = 0
  const server = createServer((request, response) => {
    requests++
    if (silent) return
    const take = async (): Promise<SlackAnswer> => {
      const body = await textOf(request)
      if (request.url !== PATH) return { status: 404, body: 'no_service' }
      const next = ordered.shift()
      if (next) return next
      const message = read(body)
      const refusal = refusalOf(message)
      if (refusal) return { status: 400, body: refusal }
      messages.push(message as SlackMessage)
      return { status: 200, body: 'ok' }
    }
    take().then(
      ({ status, body, headers }) => response.writeHead(status, headers).end(body),
      () => response.destroy(),
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${portOf(server)}${PATH}`,
    messages,
    get requests() {
      return requests
    },
    answer: (next) => void ordered.push(next),
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function read(body: string): unknown {
  try {
    return JSON.parse(body) as unknown
  } catch {
    return undefined
  }
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}
