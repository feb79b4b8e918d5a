import { beginningOf } from '@talon/plugin'
import type { Credentials } from './credentials.ts'
import { refusal, unreachable } from './failure.ts'
import type { GcpAnswer, GcpRequest } from './request.ts'

/** Requests, over connections that are kept. */
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
