import { Readable } from 'node:stream'
import type { WebSocket as Socket } from 'ws'
import { ActionError } from '@talon/plugin'
import { statusFrom } from './connection.ts'
import type { Access } from './credentials.ts'
import { refused, unreachable, type Asked, type Refusal } from './failure.ts'

/** A command for a container. */
export interface ExecCall {
  readonly namespace: string
  readonly pod: string
  /** Only the pod of this UID gets the command, or, where there is standard input, gets to read it. */
  readonly uid?: string
  readonly container: string
  /** Program and arguments: no shell reads them. They travel in the URL, so keep them under 8 kB together. */
  readonly command: readonly string[]
  /** Sent whole, then closed. */
  readonly stdin?: Uint8Array
  readonly signal: AbortSignal
}

/** A command that runs. Read `stdout` to its end, else the command waits. */
export interface Execution {
  readonly stdout: AsyncIterable<Uint8Array>
  readonly stderr: AsyncIterable<Uint8Array>
  /** Exit status, once the command has ended. @throws ActionError where it could not be started, or was lost. */
  readonly status: Promise<number>
  /** Ends the stream. The command itself goes on until it next reads or writes. */
  stop(): void
}

/** https://kubernetes.io/docs/reference/using-api/api-concepts: version 5 is the first that can close standard input. */
const PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io']
const STDIN = 0
const STDOUT = 1
const STDERR = 2
const ERROR = 3
const CLOSE = 255
const CHUNK = 32 * 1024

/** Runs a command over a WebSocket. Resolves once it is connected and `confirm`, asked then, has not thrown. */
export function execute(
  call: ExecCall,
  access: Access,
  WebSocket: typeof Socket,
  confirm: () => Promise<void>,
): Promise<Execution> {
  const { namespace, pod, container, command, stdin, signal } = call
  const asked: Asked = { verb: 'create', resource: 'pods/exec', namespace, name: pod }
  const path = [namespace, 'pods', pod, 'exec'].map(encodeURIComponent).join('/')
  const query = new URLSearchParams({ container, stdout: 'true', stderr: 'true', stdin: String(stdin !== undefined) })
  for (const word of command) query.append('command', word)
  const url = `${access.server.replace(/^http/, 'ws')}/api/v1/namespaces/${path}?${query.toString()}`
  signal.throwIfAborted()

  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, PROTOCOLS, {
      ...access.tls,
      ...(access.agent && { agent: access.agent }),
      headers: access.headers,
      perMessageDeflate: false,
    })
    const stop = () => socket.terminate()
    const aborted = () => {
      stop()
      reject(signal.reason as Error)
    }
    async function begin(): Promise<Execution> {
      const execution = follow(socket, asked, signal, stop)
      await confirm()
      if (stdin) void feed(socket, stdin)
      return execution
    }
    signal.addEventListener('abort', aborted, { once: true })
    socket.on('unexpected-response', (_request, response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => void (chunks.length < 8 && chunks.push(chunk)))
      response.on('close', () => {
        stop()
        const text = Buffer.concat(chunks).toString()
        reject(refused(asked, statusFrom(response.statusCode ?? 500, text), response.headers['retry-after']))
      })
    })
    socket.on('error', (error) => reject(unreachable(asked, access.server, error)))
    socket.on('close', () => signal.removeEventListener('abort', aborted))
    socket.on('open', () => {
      if (stdin && socket.protocol !== PROTOCOLS[0]) {
        stop()
        return reject(new ActionError('the API server cannot close standard input: Kubernetes 1.30 or newer is needed'))
      }
      begin().then(resolve, (error: unknown) => {
        stop()
        reject(error)
      })
    })
  })
}

async function feed(socket: Socket, bytes: Uint8Array): Promise<void> {
  const sent = (data: Buffer) => new Promise<boolean>((done) => socket.send(data, (error) => done(!error)))
  for (let at = 0; at < bytes.byteLength; at += CHUNK) {
    const ok = await sent(Buffer.concat([Buffer.from([STDIN]), bytes.subarray(at, at + CHUNK)]))
    if (!ok) return // a command may end before it has read all
  }
  await sent(Buffer.from([CLOSE, STDIN]))
}

function follow(socket: Socket, asked: Asked, signal: AbortSignal, stop: () => void): Execution {
  const full = new Set<Readable>()
  const channel = () => {
    const stream: Readable = new Readable({
      read() {
        full.delete(stream)
        if (full.size === 0) socket.resume()
      },
      destroy(error, done) {
        full.delete(stream)
        if (full.size === 0) socket.resume()
        done(error)
      },
    })
    stream.on('error', () => {}) // told by `status`, and to whoever reads
    return stream
  }
  const streams = new Map([STDOUT, STDERR].map((number) => [number, channel()]))
  const { promise: status, resolve, reject } = Promise.withResolvers<number>()
  status.catch(() => {}) // whoever stops early need not ask

  socket.on('message', (data: Buffer) => {
    const number = data[0] ?? -1
    const rest = data.subarray(1)
    if (number === ERROR) return settle(() => resolve(exitStatus(asked, rest.toString())))
    const stream = streams.get(number)
    // What is not read holds back the sender: memory holds a few messages, whatever the command prints.
    if (!stream || stream.destroyed || rest.length === 0 || stream.push(rest)) return
    full.add(stream)
    socket.pause()
  })
  let ended = false
  socket.on('close', () => {
    // What came before the end is still there for whoever has not read it yet.
    if (ended) return
    const lost = signal.aborted
      ? (signal.reason as Error)
      : new ActionError(`the stream of a command in ${asked.resource} '${asked.name}' ended before the command did`, {
          retryable: true,
        })
    reject(lost)
    for (const stream of streams.values()) if (!stream.readableEnded) stream.destroy(lost)
  })

  function settle(tell: () => void): void {
    ended = true
    try {
      tell()
    } catch (error) {
      reject(error)
    }
    for (const stream of streams.values()) stream.push(null)
  }

  const [stdout, stderr] = [...streams.values()] as [Readable, Readable]
  return { stdout, stderr, status, stop }
}

/** The Status object that ends a command. */
function exitStatus(asked: Asked, text: string): number {
  const status = JSON.parse(text) as { status: string; code?: number } & Refusal
  if (status.status === 'Success') return 0
  const exit = status.details?.causes?.find(({ reason }) => reason === 'ExitCode')?.message
  if (exit !== undefined) return Number(exit)
  throw refused(asked, { ...status, code: status.code ?? 500 })
}
