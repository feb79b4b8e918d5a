import { awsFailure } from '@talon/client-aws'
import { ActionError, type TalonError } from '@talon/plugin'

/** Answers of S3 that may be another one in a moment. https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
const PASSING = new Set([
  ...['BadDigest', 'IncompleteBody', 'XAmzContentSHA256Mismatch', 'XAmzContentChecksumMismatch', 'InvalidPart'],
  ...['ConditionalRequestConflict', 'OperationAborted', 'NoSuchUpload'],
])

/** What S3 says besides: where the bucket is. */
interface Elsewhere {
  readonly name?: string
  readonly Region?: string
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> }
}

/** An error of S3 or of the way to it. `doing` and `permission` are those of `awsFailure`. */
export function failure(error: unknown, doing: string, permission: string): TalonError {
  const { name = '', Region, $response } = (error ?? {}) as Elsewhere
  const region = Region ?? $response?.headers?.['x-amz-bucket-region']
  const misplaced = /^(PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraintException|301)$/
  const place = region && misplaced.test(name) ? ` (the bucket is in ${region})` : ''
  const failed = awsFailure(error, doing + place, permission)
  if (!PASSING.has(name)) return failed
  return new ActionError(failed.message, { cause: error, retryable: true })
}
