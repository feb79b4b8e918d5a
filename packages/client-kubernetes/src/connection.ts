import type { Agent, Dispatcher, ProxyAgent, request } from 'undici'
import { beginningOf, ConfigError, unlessAborted } from '@talon/plugin'
import type { Access, Credentials } from './credentials.ts'
import { refused, unreachable, type Asked, type Refusal } from './failure.ts'

/** One request to the API. */
export interface Call extends Asked {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly query?: Readonly<Record<string, string | number | undefined>>
  readonly body?: object
  readonly contentType?: string
  readonly signal: AbortSignal
}

/** Requests to one API server, over connections that are kept. Nothing is tried again but a 401, once, with credentials read anew. */
export interface Connection {
  /** The body of an answer of 2xx. @throws ActionError */
  send(call: Call): Promise<Dispatcher.ResponseData['body']>
  /** The body, read as JSON. @throws ActionError */
  json<T>(call: Call): Promise<T>
  readonly credentials: Credentials
  close(): Promise<void>
}

/** The parts of undici that are used: it loads when the client is opened. */
export interface Undici {
  readonly Agent: typeof Agent
  readonly ProxyAgent: typeof ProxyAgent
  readonly request: typeof request
}

/** kube-apiserver keeps a quiet connection for 90 s, most load balancers in front of one for 60. */
const KEEP = 50_000
/** Bytes of a refusal that are read. One is short, whoever refuses. */
const LONGEST_REFUSAL = 64 * 1024

/** Sends requests on kept connections: a request waits for no handshake where one is free. */
export function createConnection(credentials: Credentials, undici: Undici): Connection {
  let line: { readonly key: string; readonly dispatcher: Dispatcher } | undefined

  function dispatcherFor(access: Access): Dispatcher {
    // A credential plugin may hand out another certificate at any time.
    const key = `${access.generation} ${String(access.tls.cert)}`
    if (line?.key === key) return line.dispatcher
    const old = line?.dispatcher
    line = { key, dispatcher: open(access) }
    void old?.close()
    return line.dispatcher
  }

  function open({ tls, proxy }: Access): Dispatcher {
    if (proxy?.startsWith('socks'))
      throw new ConfigError('kubeconfig: proxy-url is a SOCKS proxy: an HTTP proxy is needed')
    const options = { keepAliveTimeout: KEEP, allowH2: false }
    if (proxy !== undefined) return new undici.ProxyAgent({ ...options, uri: proxy, requestTls: { ...tls } })
    return new undici.Agent({ ...options, connect: { ...tls, keepAlive: true, keepAliveInitialDelay: 30_000 } })
  }

  async function send(call: Call): Promise<Dispatcher.ResponseData['body']> {
    for (let renewed = false; ; renewed = true) {
      // A program may be asked for them, which takes no signal.
      const access = await unlessAborted(credentials.access(), call.signal)
      const answer = await once(call, access)
      const { statusCode: code, body, headers } = answer
      if (code >= 200 && code < 300) return body
      const text = await beginningOf(body, LONGEST_REFUSAL)
      if (code === 401 && !renewed && credentials.renew()) continue
      throw refused(call, statusFrom(code, text), headers['retry-after'])
    }
  }

  async function once(call: Call, access: Access): Promise<Dispatcher.ResponseData> {
    const url = new URL(access.server + call.path)
    for (const [name, value] of Object.entries(call.query ?? {}))
      if (value !== undefined) url.searchParams.set(name, String(value))
    try {
      return await undici.request(url, {
        dispatcher: dispatcherFor(access),
        method: call.method,
        headers: {
          ...access.headers,
          accept: 'application/json, */*',
          'user-agent': 'talon',
          ...(call.body && { 'content-type': call.contentType ?? 'application/json' }),
        },
        body: call.body ? JSON.stringify(call.body) : null,
        signal: call.signal,
      })
    } catch (error) {
      call.signal.throwIfAborted()
      throw unreachable(call, access.server, error)
    }
  }

  return {
    credentials,
    send,
    async json<T>(call: Call) {
      const body = await send(call)
      try {
        return (await body.json()) as T
      } catch (error) {
        call.signal.throwIfAborted()
        throw unreachable(call, 'its address', error)
      }
    },
    close: async () => line?.dispatcher.close(),
  }
}

/** The Status object of a refusal; whatever stands before the API answers in its own words. */
export function statusFrom(code: number, text: string): Refusal {
  try {
    const status = JSON.parse(text) as Partial<Refusal> & { kind?: string }
    if (status.kind === 'Status') return { reason: 'Unknown', message: '', ...status, code }
  } catch {
    // No JSON: told as it is.
  }
  return { code, reason: 'Unknown', message: text.slice(0, 200) }
}
