import { beginningOf, ConfigError, defineClient } from '@talon/plugin'
import type { Dispatcher, request } from 'undici'
import { z } from 'zod'
import { certificateSettings, readCertificates } from './certificates.ts'
import { overdue, refusal, unreachable } from './failure.ts'

/** What is sent. Nothing of an event belongs into `url` or into the names of headers. */
export interface HttpRequest {
  /** A secret: errors show its origin alone. A user and password in it are sent as basic authentication. */
  readonly url: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Secrets too. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  readonly signal: AbortSignal
}

/** An answer of 2xx; everything else is thrown. */
export interface HttpAnswer {
  readonly status: number
  /** Its first 64 KiB, as UTF-8. */
  readonly body: string
}

/** HTTP with connections that are kept. */
export interface Http {
  /**
   * Sends once and never tries again: that is core's. Redirects are not followed.
   * @throws ActionError, `retryable` after 429, 5xx, a timeout and most failures of the connection; `retryAfter` is
   * what the other side asked for.
   */
  send(request: HttpRequest): Promise<HttpAnswer>
  close(): Promise<void>
}

const settings = certificateSettings.extend({
  timeout: z.number().positive().max(300).default(10).describe('Seconds that one request may take, answer included'),
  proxy: z
    .string()
    .optional()
    .meta({ secret: true })
    .describe('URL of a proxy, instead of HTTP_PROXY and HTTPS_PROXY of the environment; NO_PROXY counts for both'),
})

/** HTTP, for notifiers and whoever else talks to a web service. */
export const http = defineClient({
  name: 'http',
  summary: 'HTTP to other systems, with kept connections, own certificates and proxies',
  settings,
  async open({ timeout, proxy, ...files }): Promise<Http> {
    const tls = await readCertificates('http', files)
    const { EnvHttpProxyAgent, request } = await import('undici')
    const dispatcher = connect(() => {
      return new EnvHttpProxyAgent({
        connect: { ...tls, timeout: timeout * 1000 },
        requestTls: tls,
        ...(tls.ca && { proxyTls: { ca: tls.ca } }),
        ...(proxy && { httpProxy: proxy, httpsProxy: proxy }),
      })
    })
    const send = (asked: HttpRequest) => exchange(asked, { dispatcher, request, timeout: timeout * 1000 })
    return { send, close: () => dispatcher.close() }
  },
  close: (client) => client.close(),
})

interface Line {
  readonly dispatcher: Dispatcher
  readonly request: typeof request
  /** Milliseconds. */
  readonly timeout: number
}

/** Bytes of an answer that are read. */
const ANSWER = 64 * 1024

async function exchange(asked: HttpRequest, { dispatcher, request, timeout }: Line): Promise<HttpAnswer> {
  const url = parse(asked.url)
  const headers = { ...authorization(url), ...asked.headers }
  const deadline = AbortSignal.timeout(timeout)
  const signal = AbortSignal.any([asked.signal, deadline])
  const options = { dispatcher, method: asked.method, headers, signal, body: asked.body ?? null }
  try {
    const { statusCode: status, headers: fields, body } = await request(url, options)
    const text = await beginningOf(body, ANSWER)
    if (status >= 200 && status < 300) return { status, body: text }
    throw refusal({ url, status, text, sent: headers, retryAfter: fields['retry-after'], now: Date.now() })
  } catch (error) {
    // The run's own timeout is as good a reason to try again as ours; every other end of the run is its own reason.
    if (isTimeout(asked.signal)) throw overdue(url)
    asked.signal.throwIfAborted()
    if (deadline.aborted) throw overdue(url, timeout)
    throw unreachable(url, error)
  }
}

function isTimeout({ aborted, reason }: AbortSignal): boolean {
  return aborted && (reason as Error | undefined)?.name === 'TimeoutError'
}

/** The error of `new URL` carries the URL, so it goes no further. */
function parse(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new ConfigError('the url is none of http:// or https://')
  return url
}

function authorization({ username, password }: URL): { authorization?: string } {
  if (!username && !password) return {}
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
}

/** undici repeats a proxy's URL, password and all, in what it says about it. */
function connect(open: () => Dispatcher): Dispatcher {
  try {
    return open()
  } catch {
    throw new ConfigError('http: the proxy is no URL; see http.proxy, HTTP_PROXY and HTTPS_PROXY')
  }
}
