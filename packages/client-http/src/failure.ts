import { STATUS_CODES } from 'node:http'
import { ActionError, connectionFault, retryAfterOf, TalonError } from '@talon/plugin'
import { excerpt } from './text.ts'

/** What the other side answered instead of 2xx. */
export interface Refusal {
  readonly url: URL
  readonly status: number
  readonly text: string
  readonly sent: Readonly<Record<string, string>>
  /** The header, as it came. */
  readonly retryAfter: string | string[] | undefined
  /** Epoch milliseconds. */
  readonly now: number
}

const ADVICE: Readonly<Record<number, string>> = {
  401: 'check the credentials in its settings',
  403: 'check the credentials in its settings',
  404: 'check the path of its url',
  405: 'it does not take this method',
  407: 'the proxy wants credentials: put them into its URL',
  413: 'it takes no message of this size',
}

/** A refusal as an error: the origin, the status, the beginning of the answer, and what to do. */
export function refusal({ url, status, text, sent, retryAfter, now }: Refusal): ActionError {
  const moved = status >= 300 && status < 400 ? 'redirects are not followed: put the new address into its url' : ''
  const parts = [`${url.origin} answered ${status} ${STATUS_CODES[status] ?? ''}`.trim(), excerpt(text, url, sent)]
  const advice = ADVICE[status] ?? moved
  const wait = retryAfterOf(retryAfter, now)
  return new ActionError(parts.filter(Boolean).join(': ') + (advice && `; ${advice}`), {
    retryable: status === 429 || status >= 500,
    ...(wait !== undefined && { retryAfter: wait }),
  })
}

/** No whole answer in time. */
export function overdue(url: URL, timeout?: number): ActionError {
  const within = timeout === undefined ? 'in time' : `within ${timeout / 1000} s (http.timeout)`
  return new ActionError(`${url.origin} did not answer ${within}`, { retryable: true })
}

/** What kept the answer from coming. A name or a connection may be there again in a moment; trust will not. */
export function unreachable(url: URL, error: unknown): TalonError {
  if (TalonError.is(error)) return error
  const { code, message, tls, untrusted } = connectionFault(error)
  let advice = ''
  if (untrusted) advice = '; put the CA that signed its certificate into http.ca_file'
  if (code.includes('CERTIFICATE_REQUIRED')) advice = '; it wants a certificate: set http.cert_file and http.key_file'
  if (code.includes('WRONG_VERSION_NUMBER')) advice = '; it does not speak TLS: is its url an http:// one?'
  return new ActionError(`${url.origin} cannot be reached: ${message}${advice}`, {
    cause: error,
    retryable: !tls && code !== 'UND_ERR_INVALID_ARG',
  })
}
