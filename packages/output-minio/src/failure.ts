import { ActionError, excerptOf } from '@talon/plugin'

/** What to do about an answer of the server. */
const REFUSED: Readonly<Record<string, string>> = {
  NoSuchBucket: 'create the bucket, or correct the parameter `bucket`',
  InvalidAccessKeyId: 'the server does not know the access key: correct minio.access_key',
  SignatureDoesNotMatch: 'the secret key is not that of the access key: correct minio.secret_key',
  RequestTimeTooSkewed: "set this node's clock, or the server's: they differ by more than 15 minutes",
  EntityTooLarge: 'the server takes no object of this size: raise its limit',
  QuotaExceeded: "the bucket's quota is used up: raise it, or make room",
  XMinioAdminBucketQuotaExceeded: "the bucket's quota is used up: raise it, or make room",
  XMinioStorageFull: 'the server has no room left: make some',
  PreconditionFailed: 'an object of that name is there, and s3:GetObject would show whether it is the same',
}

/** Answers that may be another one in a moment; the rest takes a person. */
const PASSING = new Set([
  ...['InternalError', 'SlowDown', 'ServiceUnavailable', 'XMinioServerNotInitialized', 'RequestTimeout'],
  ...['OperationAborted', 'ConditionalRequestConflict', 'NoSuchUpload'],
  ...['IncompleteBody', 'BadDigest', 'XAmzContentSHA256Mismatch', 'XAmzContentChecksumMismatch'],
  ...['QuotaExceeded', 'XMinioAdminBucketQuotaExceeded', 'XMinioStorageFull'],
])

/** What to do about a connection that did not come about, by the code of Node or OpenSSL. */
const UNREACHED: readonly (readonly [RegExp, string])[] = [
  [/^ECONNREFUSED$/, 'nothing listens there: correct minio.endpoint, or start the server'],
  [/^(ENOTFOUND|EAI_AGAIN)$/, 'the name is not known: correct minio.endpoint'],
  [
    /^(UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED)/,
    'start Talon with NODE_EXTRA_CA_CERTS=<file of the CA that signed its certificate>',
  ],
  [/^(CERT_|ERR_TLS_CERT)/, 'its certificate is for another name, or for another time: renew it'],
  [/^(EPROTO|ERR_SSL)/, 'it does not speak TLS there: set minio.use_ssl to false, or correct minio.endpoint'],
]
const NOT_S3 = 'minio.endpoint must be the port of its API, and minio.use_ssl say whether that speaks TLS'

/** Characters of an answer that an error repeats. */
const EXCERPT = 300

/** How the library words a 5xx or 429; it keeps nothing else of it. */
const STATUS = /Retryable HTTP status: (\d+)/

/** The code of an answer of S3, or of a failed connection; empty where there is none. */
export function codeOf(error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown }
  return typeof code === 'string' ? code : ''
}

/**
 * An error of the server or of the way to it, in words that say what to do.
 * @param doing what did not happen
 * @param permission what the access key needs for it, in the words of an S3 policy
 */
export function failure(error: unknown, doing: string, permission: string): ActionError {
  const code = codeOf(error)
  const { message = '' } = (error ?? {}) as Partial<Error>
  const status = STATUS.exec(message)?.[1]
  const connection = /^E[A-Z_]+$/.test(code) && code !== 'EPROTO'
  return new ActionError(`${doing}: ${status ? `the server answered ${status}` : told(code, message)}`, {
    cause: error,
    retryable: status !== undefined || connection || PASSING.has(code),
  })

  function told(code: string, message: string): string {
    if (!code && !message) return `what answered is no S3; ${NOT_S3}`
    const denied = code === 'AccessDenied' ? `let the access key do it: its policy lacks ${permission}` : undefined
    const advice = denied ?? REFUSED[code] ?? UNREACHED.find(([pattern]) => pattern.test(code))?.[1]
    const said = message.startsWith(code) ? message : `${code}: ${message}`
    return excerptOf(said, EXCERPT) + (advice ? `; ${advice}` : '')
  }
}
