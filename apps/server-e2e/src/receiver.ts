import { once } from 'node:events'
import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'

/** What a webhook was told, as far as the suite asks. */
export interface Notification {
  readonly status: string
  readonly actionner: string
  readonly rule: string
  readonly output_target?: string
  readonly objects: Readonly<Record<string, string>>
  readonly message: string
  readonly error?: string
  readonly output?: string
  readonly falco: { readonly output_fields: Readonly<Record<string, string>> }
}

/** A receiver of webhooks, on a port of its own where none is given. */
export async function startReceiver(port = 0) {
  const received: Notification[] = []
  const server = createServer((request, response) => {
    json(request).then(
      (body) => {
        received.push(body as Notification)
        response.end()
      },
      () => response.writeHead(400).end(),
    )
  }).listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/hook`,
    received,
    close: () => new Promise((resolve) => server.close(resolve)),
  }
}
