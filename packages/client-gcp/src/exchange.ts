import type { Readable } from 'node:stream'
import { beginningOf } from '@talon/plugin'
import type { Credentials } from './credentials.ts'
import { refusal, unreachable } from './failure.ts'

/** What is sent. */
export interface GcpRequest {
  /** What it is for, as an error begins: `gs://evidence/a.log cannot be stored`. */
  readonly purpose: string
  readonly url: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly headers?: Readonly<Record<string, string>>
  /** A stream is read as fast as the other side takes it. */
  readonly body?: string | Readable
  readonly signal: AbortSignal
  /** An identity token, or false for none; an access token where missing. */
  readonly token?: string | false
  /** Statuses besides 2xx that are an answer. */
  readonly accept?: readonly number[]
  /** Statuses that are worth another try, besides the usual ones. */
  readonly passing?: readonly number[]
  /** What to do about a status, in place of the usual words. */
  readonly advice?: Readonly<Record<number, string>>
  /** Milliseconds without an answer, or without a byte taken; 60 s where missing, 0 leaves it to the signal. */
  readonly silence?: number
}

export interface GcpAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Its first 64 KiB, as UTF-8. */
  readonly body: string
}

export interface Exchange {
  /** @throws ActionError, `retryable` after 401, 408, 429, 5xx and most failures of the connection. */
  readonly send: (request: GcpRequest) => Promise<GcpAnswer>
  readonly close: () => Promise<void>
}

const SILENCE = 60_000
const CONNECT = 10_000
const LIMIT = 64 * 1024

/** Opens connections that are kept, through the proxy of the environment where it names one. */
export async function openExchange(options: {
  readonly credentials: Credentials
  /** Origin that no token is sent to. */
  readonly anonymous: string | undefined
}): Promise<Exchange> {
  const { credentials, anonymous } = options
  const { EnvHttpProxyAgent, request } = await import('undici')
  const dispatcher = new EnvHttpProxyAgent({ connect: { timeout: CONNECT } })
  const authorization = async ({ url, token, signal }: GcpRequest) => {
    if (token === false || new URL(url).origin === anonymous) return {}
    return token === undefined ? credentials.headers(signal) : { authorization: `Bearer ${token}` }
  }
  return {
    async send(asked) {
      const { url, method, signal, body = null, accept = [], silence = SILENCE } = asked
      const headers = { ...asked.headers, ...(await authorization(asked)) }
      try {
        const waits = { headersTimeout: silence, bodyTimeout: silence }
        const answer = await request(url, { dispatcher, method, headers, signal, body, ...waits })
        const { statusCode: status } = answer
        const text = await beginningOf(answer.body, LIMIT)
        if ((status >= 200 && status < 300) || accept.includes(status))
          return { status, headers: answer.headers, body: text }
        // The next try shall not come with the token that was refused.
        if (status === 401) credentials.renew()
        throw refusal(asked, { status, headers: answer.headers, text, now: Date.now() })
      } catch (error) {
        signal.throwIfAborted()
        throw unreachable(asked, error)
      }
    },
    close: () => dispatcher.close(),
  }
}
