import { STATUS_CODES } from 'node:http'
import { ActionError, TalonError } from '@talon/plugin'
import type { GcpRequest } from './exchange.ts'
import { networkAdvice } from './network.ts'

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
  const wait = waitOf(headers['retry-after'], now)
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
  const { code = '', message } = causeOf(error)
  const { advice, retryable } = networkAdvice(code, message)
  return new ActionError(`${purpose}: ${new URL(url).origin} did not answer: ${message || code}${advice}`, {
    cause: error,
    retryable,
    untouched: ['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED'].includes(code),
  })
}

/** Where a host has several addresses, the failures of all come as one error without words. */
function causeOf(error: unknown): { code?: string; message: string } {
  if (error instanceof AggregateError && !error.message) return causeOf(error.errors[0])
  return error instanceof Error ? error : { message: String(error) }
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
  const line = said.replace(/[\s\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim()
  return line.length > EXCERPT ? `${line.slice(0, EXCERPT)}…` : line
}

/** Retry-After: seconds, or a date. RFC 9110, section 10.2.3. */
function waitOf(header: string | string[] | undefined, now: number): number | undefined {
  const text = (Array.isArray(header) ? header[0] : header)?.trim()
  if (!text) return undefined
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, Math.round(date - now))
}
