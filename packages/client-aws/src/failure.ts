import { ActionError, connectionFault, excerptOf, retryAfterOf, TalonError } from '@talon/plugin'
import { adviceOf } from './advice.ts'

/** What the SDK's errors have in common. https://docs.aws.amazon.com/sdk-for-javascript/v3/developer-guide/error-handling.html */
interface SdkError {
  readonly name: string
  readonly message: string
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string }
  readonly $retryable?: { readonly throttling?: boolean }
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> }
}

/** Characters of a message that are repeated. */
const EXCERPT = 500

/**
 * Turns what the SDK throws into an ActionError that says what to do.
 * @param doing what failed, as the beginning of a sentence: `invoking the Lambda function 'x'`
 * @param permission the IAM action that it takes: `lambda:InvokeFunction`
 */
export function awsFailure(error: unknown, doing: string, permission: string): ActionError {
  if (TalonError.is(error) && error.kind === 'action') return error
  const { name, message, $metadata, $retryable, $response } = sdkErrorOf(error)
  const fault = connectionFault(error)
  const status = $metadata?.httpStatusCode ?? 0
  const { advice, retryable = status >= 500 } = adviceOf({ name, fault, message, status, permission })
  const said = message && message !== name ? `${name}: ${excerptOf(message, EXCERPT)}` : name
  const request = $metadata?.requestId ? ` (request ${$metadata.requestId})` : ''
  const wait = retryAfterOf($response?.headers?.['retry-after'], Date.now())
  return new ActionError(`${doing}: ${said}${request}${advice && `; ${advice}`}`, {
    cause: error,
    retryable: retryable || $retryable?.throttling === true,
    // What was throttled, or never got a connection, has done nothing there.
    untouched: status === 429 || $retryable?.throttling === true || fault.untouched,
    ...(wait !== undefined && { retryAfter: wait }),
  })
}

/** Where a host has several addresses, the failures of all come as one error without words. */
function sdkErrorOf(error: unknown): SdkError {
  if (error instanceof AggregateError && !error.message) return sdkErrorOf(error.errors[0])
  if (error instanceof Error) return error
  return { name: 'Error', message: String(error) }
}
