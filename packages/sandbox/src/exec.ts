import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type WebSocket } from 'ws'
import type { KubeObject, Pod } from './objects.ts'
import { containerOf } from './pods.ts'
import { piecesOf, type Output } from './script.ts'
import { ApiError, badRequest } from './status.ts'

/** What a script is asked. No command runs on this machine. */
export interface ExecCall {
  readonly pod: Pod
  readonly container: string
  readonly command: readonly string[]
  /** What came on standard input until it was closed. */
  readonly stdin: string
  /** Aborted when the client has left. */
  readonly signal: AbortSignal
}

/** What the command printed, and how it ended. */
export interface ExecAnswer {
  readonly stdout?: Output
  readonly stderr?: Output
  /** 0 where missing. */
  readonly exitCode?: number
  /** The command could not be started: the runtime's words. */
  readonly error?: string
}

/** Channels of the remote command protocol: https://kubernetes.io/docs/reference/using-api/#websocket-protocol */
const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, error: 3, close: 255 } as const
/** Bytes. */
const PIECE = 32_768
const PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io']

/** The pod and container that a command is to run in. @throws ApiError 400 or 500 where none can run there */
export function podToExecIn(object: KubeObject, query: URLSearchParams): { pod: Pod; container: string } {
  const pod = object as Pod
  const container = containerOf(pod, query.get('container'))
  if (!pod.spec.nodeName) throw badRequest(`pod ${pod.metadata.name} does not have a host assigned`)
  if (!['stdin', 'stdout', 'stderr'].some((stream) => query.get(stream) === 'true'))
    throw new ApiError({ code: 400, message: 'you must specify at least 1 of stdin, stdout, stderr', plain: true })
  if (!isRunning(pod, container))
    throw new ApiError({ code: 500, message: `container not found ("${container}")`, plain: true })
  return { pod, container }
}

function isRunning({ status = {} }: Pod, container: string): boolean {
  const all = [...(status.containerStatuses ?? []), ...(status.ephemeralContainerStatuses ?? [])]
  const found = all.find(({ name }) => name === container) as { state?: { running?: object } } | undefined
  return found?.state?.running !== undefined
}

/** Speaks the remote command protocol, and answers what `script` says. */
export function execServer() {
  const sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => PROTOCOLS.find((protocol) => offered.has(protocol)) ?? false,
  })
  return {
    close: () => {
      for (const socket of sockets.clients) socket.terminate()
      sockets.close()
    },
    accept(
      request: IncomingMessage,
      raw: Duplex,
      head: Buffer,
      query: URLSearchParams,
      script: (stdin: string, left: AbortSignal) => Promise<ExecAnswer>,
    ) {
      sockets.handleUpgrade(request, raw, head, (socket) => {
        void serve(socket, query, script)
      })
    },
  }
}

async function serve(
  socket: WebSocket,
  query: URLSearchParams,
  script: (stdin: string, left: AbortSignal) => Promise<ExecAnswer>,
): Promise<void> {
  // Waits until the piece is on its way, so that what streams is not kept here.
  const send = (channel: number, text: string | Buffer): Promise<void> =>
    new Promise((resolve, reject) => {
      const frame = Buffer.concat([Buffer.from([channel]), Buffer.from(text as string)])
      socket.send(frame, (error) => (error ? reject(error) : resolve()))
    })
  const wants = (stream: string) => query.get(stream) === 'true'
  const left = new AbortController()
  socket.on('close', () => left.abort())
  // A client that breaks off is no failure of the sandbox.
  socket.on('error', () => socket.terminate())
  try {
    // A terminal has one output; and the real server opens each stream with a piece that is empty.
    const channels = { stdout: CHANNEL.stdout, stderr: wants('tty') ? CHANNEL.stdout : CHANNEL.stderr }
    if (wants('stdout')) await send(CHANNEL.stdout, '')
    const stdin = wants('stdin') ? await readStdin(socket) : ''
    const { stdout = '', stderr = '', exitCode = 0, error } = await script(stdin, left.signal)
    for (const [name, output] of Object.entries({ stdout, stderr }))
      if (wants(name) || wants('tty'))
        for await (const text of piecesOf(output))
          for (const piece of cut(text)) await send(channels[name as keyof typeof channels], piece)
    await send(CHANNEL.error, JSON.stringify(error === undefined ? exitStatus(exitCode) : startFailure(error)))
  } catch (error) {
    await send(CHANNEL.error, JSON.stringify(startFailure(String(error)))).catch(() => undefined)
  }
  socket.close(1000)
}

/** As the real server cuts what a command prints. */
function cut(bytes: Buffer): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / PIECE) }, (_, n) => bytes.subarray(n * PIECE, (n + 1) * PIECE))
}

/** Until the client closes the channel (v5), or the connection (v4). */
function readStdin(socket: WebSocket): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    const end = () => resolve(Buffer.concat(chunks).toString())
    socket.on('message', (data: Buffer) => {
      if (data[0] === CHANNEL.stdin) chunks.push(data.subarray(1))
      else if (data[0] === CHANNEL.close && data[1] === CHANNEL.stdin) end()
    })
    socket.on('close', end)
  })
}

function exitStatus(exitCode: number): object {
  if (exitCode === 0) return { metadata: {}, status: 'Success' }
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: command terminated with exit code ${exitCode}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(exitCode) }] },
  }
}

const startFailure = (message: string) => ({
  metadata: {},
  status: 'Failure',
  message,
  reason: 'InternalError',
  details: { causes: [{ message }] },
  code: 500,
})
