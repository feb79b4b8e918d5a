import { ActionError, TalonError } from '@talon/plugin'
import { adviceOf } from './advice.ts'

/** What the SDK's errors have in common. https://docs.aws.amazon.com/sdk-for-javascript/v3/developer-guide/error-handling.html */
interface SdkError {
  readonly name: string
  readonly message: string
  /** Node's code, where the network failed. */
  readonly code?: string
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string }
  readonly $retryable?: { readonly throttling?: boolean }
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> }
}

/**
 * Turns what the SDK throws into an ActionError that says what to do.
 * @param doing what failed, as the beginning of a sentence: `invoking the Lambda function 'x'`
 * @param permission the IAM action that it takes: `lambda:InvokeFunction`
 */
export function awsFailure(error: unknown, doing: string, permission: string): ActionError {
  if (TalonError.is(error) && error.kind === 'action') return error
  const { name, message, code, $metadata, $retryable, $response } = sdkErrorOf(error)
  const status = $metadata?.httpStatusCode ?? 0
  const { advice, retryable = status >= 500 } = adviceOf({ name, code, message, status, permission })
  const said = message && message !== name ? `${name}: ${oneLine(message)}` : name
  const request = $metadata?.requestId ? ` (request ${$metadata.requestId})` : ''
  const wait = waitOf($response?.headers?.['retry-after'])
  return new ActionError(`${doing}: ${said}${request}${advice && `; ${advice}`}`, {
    cause: error,
    retryable: retryable || $retryable?.throttling === true,
    // What was throttled, or never got a connection, has done nothing there.
    untouched: status === 429 || $retryable?.throttling === true || NEVER_CONNECTED.has(code ?? ''),
    ...(wait !== undefined && { retryAfter: wait }),
  })
}

const NEVER_CONNECTED: ReadonlySet<string> = new Set(['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED'])

/** Where a host has several addresses, the failures of all come as one error without words. */
function sdkErrorOf(error: unknown): SdkError {
  if (error instanceof AggregateError && !error.message) return sdkErrorOf(error.errors[0])
  if (error instanceof Error) return error
  return { name: 'Error', message: String(error) }
}

/** Characters of a message that are repeated. */
const EXCERPT = 500

function oneLine(text: string): string {
  const line = text.replaceAll(/[\s\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim()
  return line.length > EXCERPT ? `${line.slice(0, EXCERPT)}…` : line
}

/** Retry-After in seconds: AWS sends no dates. */
function waitOf(header: string | undefined): number | undefined {
  return header && /^\d{1,9}$/.test(header) ? Number(header) * 1000 : undefined
}
