import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'

/** How an upload is disturbed: by an answer, or by a connection that is cut. */
export interface Disturbance {
  /** Bytes that arrive before; all of them where missing. */
  readonly after?: number
  readonly status?: number
  readonly body?: unknown
  /** Keeps the upload waiting for good. */
  readonly stall?: boolean
}

interface Session {
  readonly name: string
  readonly md5: string
  readonly total: number
  readonly chunks: Buffer[]
}

/**
 * A mock of Cloud Storage's resumable sessions, for what fake-gcs-server does not do: it keeps what arrived of an upload
 * that broke, tells how far it got, and knows cancelled sessions. https://cloud.google.com/storage/docs/performing-resumable-uploads
 */
export async function startSessions() {
  const sessions = new Map<string, Session>()
  const objects = new Map<string, Buffer>()
  const ranges: string[] = []
  const cancelled: string[] = []
  const disturbances: Disturbance[] = []
  let refusal: Disturbance | undefined

  const server = createServer((request, response) => {
    void answer(request, response).catch(() => response.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url: path = '' } = request
    const end = (status: number, body: unknown = {}, headers: Readonly<Record<string, string>> = {}) =>
      void response.writeHead(status, headers).end(JSON.stringify(body))
    if (refusal) return end(refusal.status ?? 500, refusal.body)
    if (method === 'POST') {
      const { name, md5Hash } = JSON.parse(await text(request)) as { name: string; md5Hash: string }
      const id = randomUUID()
      const total = Number(request.headers['x-upload-content-length'])
      sessions.set(id, { name, md5: md5Hash, total, chunks: [] })
      return end(200, {}, { location: `${url}/session/${id}` })
    }
    const id = path.split('/').at(-1) ?? ''
    const session = sessions.get(id)
    if (!session) return end(404)
    if (method === 'DELETE') {
      sessions.delete(id)
      cancelled.push(session.name)
      return end(499)
    }
    return take(session, request, response, end)
  }

  async function take(
    session: Session,
    request: IncomingMessage,
    response: ServerResponse,
    end: (status: number, body?: unknown, headers?: Readonly<Record<string, string>>) => void,
  ): Promise<void> {
    const range = request.headers['content-range'] ?? ''
    ranges.push(range)
    const { after = Infinity, status, body, stall } = (range.includes('*/') ? undefined : disturbances.shift()) ?? {}
    let arrived = 0
    for await (const chunk of request as AsyncIterable<Buffer>) {
      const taken = chunk.subarray(0, after - arrived)
      session.chunks.push(taken)
      arrived += taken.byteLength
      if (arrived >= after) break
    }
    if (stall) return
    // A session ends with what it refuses for good.
    if (status === 400) sessions.delete(request.url?.split('/').at(-1) ?? '')
    if (status !== undefined) return end(status, body)
    const content = Buffer.concat(session.chunks)
    const isWhole = content.byteLength === session.total
    if (isWhole) {
      if (createHash('md5').update(content).digest('base64') !== session.md5)
        return end(400, { error: { message: 'other MD5' } })
      objects.set(session.name, content)
    }
    if (after !== Infinity) return void response.destroy()
    if (isWhole) return end(200, { name: session.name })
    return end(308, {}, content.byteLength ? { range: `bytes=0-${content.byteLength - 1}` } : {})
  }

  return {
    url,
    objects,
    /** Content-Range of each request of a session. */
    ranges,
    /** Names of objects whose sessions were cancelled. */
    cancelled,
    /** Disturbs the next uploads, one each. */
    disturb: (...next: Disturbance[]) => void disturbances.push(...next),
    /** Refuses everything. */
    refuse: (status: number, body: unknown) => (refusal = { status, body }),
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
