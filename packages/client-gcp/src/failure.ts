import { STATUS_CODES } from 'node:http'
import { ActionError, connectionFault, excerptOf, retryAfterOf, TalonError } from '@talon/plugin'
import { networkAdvice } from './network.ts'
import type { GcpRequest } from './request.ts'

/** What came instead of the answer. */
export interface Refusal {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  /** Epoch milliseconds. */
  readonly now: number
}

const ADVICE: Readonly<Record<number, string>> = {
  401: 'the credentials were not taken: they expired or were revoked; see gcp.credentials_path',
  403: 'grant the permission to the account of the credentials',
  407: 'the proxy wants credentials: put them into its URL',
}
const QUOTA = /rateLimitExceeded|RESOURCE_EXHAUSTED|quota/i

/** A refusal of Google Cloud as an error: what failed, the status, what the API says, and what to do. */
export function refusal(
  { purpose, passing = [], advice: own }: GcpRequest,
  { status, headers, text, now }: Refusal,
): ActionError {
  const said = messageOf(text)
  const moved = status >= 300 && status < 400 ? 'redirects are not followed: check the endpoint' : ''
  const advice = own?.[status] ?? ADVICE[status] ?? moved
  const parts = [`${purpose}: ${status} ${STATUS_CODES[status] ?? ''}`.trim(), said].filter(Boolean)
  const wait = retryAfterOf(headers['retry-after'], now)
  return new ActionError(parts.join(': ') + (advice && `; ${advice}`), {
    // The token is asked for anew after 401, so another try is not the same.
    retryable: [401, 408, 429, ...passing].includes(status) || status >= 500 || (status === 403 && QUOTA.test(text)),
    untouched: status === 429,
    ...(wait !== undefined && { retryAfter: wait }),
  })
}

/** What kept the answer from coming. */
export function unreachable({ purpose, url }: GcpRequest, error: unknown): TalonError {
  if (TalonError.is(error)) return error
  const fault = connectionFault(error)
  const { advice, retryable } = networkAdvice(fault)
  return new ActionError(`${purpose}: ${new URL(url).origin} did not answer: ${fault.message}${advice}`, {
    cause: error,
    retryable,
    untouched: fault.untouched,
  })
}

/** Characters of an answer that an error repeats. */
const EXCERPT = 400

/** `error.message` of an answer of Google's APIs, or its beginning; on one line. https://cloud.google.com/apis/design/errors */
function messageOf(text: string): string {
  let said = text
  try {
    const { error } = JSON.parse(text) as { error?: { message?: unknown } }
    if (typeof error?.message === 'string') said = error.message
  } catch {
    // Proxies and emulators answer in text.
  }
  return excerptOf(said, EXCERPT)
}
