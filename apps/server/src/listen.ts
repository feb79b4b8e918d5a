import { createServer, STATUS_CODES, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { getRequestListener } from '@hono/node-server'
import { ConfigError } from '@talon/plugin'
import type { SecureContextOptions } from 'node:tls'
import { jsonAnswer } from './answer.ts'
import type { createApp } from './http.ts'
import type { Reason } from './refusal.ts'
import type { Tls } from './tls.ts'

export interface Listening {
  /** As the system gave them; the port is a real one where 0 was asked for. */
  readonly address: string
  readonly port: number
  /** Takes other certificates for connections that are to come. */
  use(context: SecureContextOptions): void
  /** Takes no more connections, lets answers that are on their way out, then cuts what is left. */
  close(): Promise<void>
}

export interface ListenOptions {
  readonly address: string
  readonly port: number
  /** Connections at once; more are closed. */
  readonly maxConnections: number
  /** With it the server speaks HTTPS. */
  readonly tls?: Tls | undefined
  readonly refused: (reason: Reason, message: string) => void
}

/** Milliseconds. Falco waits two seconds for its answer and keeps its connection; senders must close theirs first. */
const LIMITS = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 75_000,
  connectionsCheckingInterval: 2_000,
  maxHeaderSize: 16 * 1024,
} as const
/** Milliseconds for answers that are on their way out. */
const GRACE = 1_000

/** Opens the port. @throws ConfigError which says what to do where it cannot be had. */
export async function listen(app: ReturnType<typeof createApp>, options: ListenOptions): Promise<Listening> {
  const { address, port, maxConnections, tls, refused } = options
  const respond = getRequestListener(app.fetch, {
    // Its own Response is written without a stream between: half of what an answer costs.
    overrideGlobalObjects: true,
    errorHandler: (error) => {
      refused('malformed_http', error instanceof Error ? error.message : 'unreadable')
      return jsonAnswer({ error: 'the request cannot be read' }, 400, { connection: 'close' })
    },
  })
  const take: RequestListener = (request, response) => void respond(request, response)
  // Who shows no certificate, or a wrong one, is let in as a stranger: he may have another way to prove himself.
  const asking = { requestCert: tls?.asksClients ?? false, rejectUnauthorized: false }
  const secure = tls && createTlsServer({ ...LIMITS, ...tls.context, ...asking }, take)
  const server: Server = secure ?? createServer(LIMITS, take)
  secure?.on('tlsClientError', (error) => refused('malformed_http', error.message))
  server.maxConnections = maxConnections
  server.on('drop', () => refused('too_many', `more than ${maxConnections} connections: see max_connections`))
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    refused('malformed_http', error.code ?? error.message)
    if (socket.writable && error.code !== 'ECONNRESET') socket.end(bare(error.code))
    else socket.destroy()
  })
  await open(server, address, port)
  const bound = server.address() as AddressInfo
  return {
    address: bound.address,
    port: bound.port,
    use: (context) => secure?.setSecureContext(context),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      await Promise.race([closed, sleep(GRACE, undefined, { ref: false })])
      server.closeAllConnections()
      await closed
    },
  }
}

/** An answer to what is no HTTP, or too slow, or has too many headers. */
function bare(code: string | undefined): string {
  const status = code === 'HPE_HEADER_OVERFLOW' ? 431 : code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`
}

async function open(server: Server, address: string, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', (error: NodeJS.ErrnoException) => reject(new ConfigError(bindProblem(error, address, port))))
  server.listen({ port, host: address }, resolve)
  await promise
}

function bindProblem({ code, message }: NodeJS.ErrnoException, address: string, port: number): string {
  const setting = 'set another listen_port in the config file, or LISTEN_PORT'
  if (code === 'EADDRINUSE') return `port ${port} of ${address} is in use: stop what listens there, or ${setting}`
  if (code === 'EACCES') return `port ${port} may not be opened by this user: take one above 1023: ${setting}`
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return `listen_address '${address}' is no address of this machine: 0.0.0.0 is all of them, 127.0.0.1 this machine alone`
  return `${address} port ${port} cannot be opened: ${message}`
}
