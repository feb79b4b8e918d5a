import { ActionError, connectionFault, excerptOf, TalonError } from '@talon/plugin'
import { networkAdvice } from './network.ts'

/** What the library throws, as far as it is read here. */
interface Thrown {
  readonly message?: string
  readonly code?: string | number
  readonly config?: { readonly url?: URL }
  readonly response?: { readonly status: number; readonly headers?: Headers; readonly data?: unknown }
}

/** Characters of an answer that an error repeats. */
const EXCERPT = 200
/** Seconds that clocks may differ; Google refuses assertions from about five minutes on. */
const SKEW = 60

/** Why there is no token, and what to do. A token, a key or an assertion never shows: the library's own words may hold them. */
export function tokenFailure(error: unknown, now: number): TalonError {
  if (TalonError.is(error)) return error
  const { message = '', code, config, response } = (error ?? {}) as Thrown
  const failed = (why: string, retryable = false) =>
    new ActionError(`no token for Google Cloud: ${why}`, { retryable, cause: new Error(String(code ?? 'no token')) })

  if (response) {
    const { error: name, error_description: details } = dataOf(response.data)
    const said = [String(response.status), name, details].filter(Boolean).join(' ')
    const { status } = response
    if (status === 408 || status === 429 || status >= 500) return failed(said, true)
    return failed(`${said}${adviceOf(`${name} ${details}`, skewOf(response.headers, now))}`)
  }
  if (/default credentials/i.test(message))
    return failed(
      'there are no credentials: set gcp.credentials_path or GOOGLE_APPLICATION_CREDENTIALS, or give the pod a ' +
        'service account (Workload Identity)',
    )
  if (/Unable to detect a Project Id/i.test(message))
    return failed('the credentials name no project: set gcp.project or GOOGLE_CLOUD_PROJECT')
  if (/DECODER|PEM|asn1|private key/i.test(`${message} ${code}`))
    return failed(
      'the private key in the credentials file cannot be read: make a new key, and see gcp.credentials_path',
    )
  if (code === 'ENOENT' || code === 'EACCES') return failed(`the credentials file cannot be read (${code})`)
  const { advice, retryable } = networkAdvice(connectionFault(error))
  const where = config?.url ? `${config.url.origin} did not answer: ` : ''
  return failed(`${where}${code ?? excerptOf(message, EXCERPT)}${advice}`, retryable)
}

function adviceOf(said: string, skew: number | undefined): string {
  if (skew !== undefined && Math.abs(skew) > SKEW)
    return `; the clock here is ${Math.abs(skew)} s ${skew > 0 ? 'ahead' : 'behind'}: synchronise it (NTP)`
  if (/reasonable timeframe|iat|short-lived/i.test(said)) return '; the clock here is off: synchronise it (NTP)'
  if (/Invalid JWT Signature|invalid_grant.*key/i.test(said))
    return '; the key was deleted or replaced: make a new one, and see gcp.credentials_path'
  if (/not found|disabled/i.test(said)) return '; the service account is gone or disabled: enable it, or use another'
  if (/expired|revoked/i.test(said)) return '; the credentials expired or were revoked: sign in again, or use others'
  return '; check the credentials, see gcp.credentials_path'
}

/** Seconds that the clock here is ahead of the other side's. */
function skewOf(headers: Headers | undefined, now: number): number | undefined {
  const date = Date.parse(headers?.get('date') ?? '')
  return Number.isNaN(date) ? undefined : Math.round((now - date) / 1000)
}

function dataOf(data: unknown): { error: string; error_description: string } {
  const { error, error_description } = (typeof data === 'object' && data !== null ? data : {}) as Record<
    string,
    unknown
  >
  const text = (value: unknown) => (typeof value === 'string' ? excerptOf(value, EXCERPT) : '')
  return { error: text(error), error_description: text(error_description) }
}
