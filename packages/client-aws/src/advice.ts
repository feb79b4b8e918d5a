import type { ConnectionFault } from '@talon/plugin'

/** What is known of a failure. */
export interface Known {
  /** The exception's name, as AWS documents it. */
  readonly name: string
  readonly fault: ConnectionFault
  readonly message: string
  /** HTTP status; 0 where there was no answer. */
  readonly status: number
  /** IAM action that was needed. */
  readonly permission: string
}

interface Advice {
  readonly advice: string
  readonly retryable?: boolean
}

interface Row {
  readonly names: RegExp
  /** Where the name alone does not tell. */
  readonly message?: RegExp
  readonly retryable?: boolean
  readonly advice: string | ((known: Known) => string)
}

const CLOCK = 'the clock of this machine is wrong: let it follow a time server'
const CREDENTIALS = 'aws.access_key and aws.secret_key, or whatever the chain of the SDK finds'

/**
 * The first row that fits says what to do. Names: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html,
 * https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html,
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html and the STS API's reference.
 */
const ROWS: readonly Row[] = [
  {
    names: /^(RequestTimeTooSkewed|RequestExpired|RequestInTheFuture)$/,
    retryable: true,
    advice: CLOCK,
  },
  {
    names: /^(InvalidSignatureException|SignatureDoesNotMatch|AccessDenied)$/,
    message: /Signature (expired|not yet current)|Request has expired/i,
    retryable: true,
    advice: CLOCK,
  },
  {
    names: /^(ExpiredToken|ExpiredTokenException|TokenRefreshRequired|IDPExpired)/,
    retryable: true,
    advice:
      'the session expired: credentials of a role are renewed by themselves, those that were copied must be replaced',
  },
  {
    names: /^(InvalidClientTokenId|UnrecognizedClientException|InvalidAccessKeyId|AuthFailure|InvalidToken)/,
    advice: `AWS does not know these credentials, or not in this region and partition: check ${CREDENTIALS}`,
  },
  {
    names: /^(SignatureDoesNotMatch|InvalidSignatureException|IncompleteSignature)/,
    message: /^(?!.*scope)/,
    advice: 'the secret key does not belong to the access key: check aws.secret_key',
  },
  {
    names:
      /^(PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraintException|IncorrectEndpoint|301|SignatureDoesNotMatch|InvalidSignatureException)$/,
    advice: 'it lives in another region: set aws.region, or the region of the rule',
  },
  {
    names: /^(AccessDenied|AccessDeniedException|UnauthorizedOperation|Forbidden|403|NotAuthorized)$/,
    advice: ({ permission }) =>
      permission.startsWith('sts:AssumeRole')
        ? "let the role's trust policy name the identity that Talon has (and aws.external_id), and grant it sts:AssumeRole"
        : `grant ${permission} to the identity that Talon has, and look for policies that deny it`,
  },
  {
    names: /^(InvalidIdentityToken|IDPRejectedClaim)/,
    advice: "register the cluster's OIDC provider in IAM, and let the role's trust policy name the service account",
  },
  { names: /^NoSuchBucket$/, advice: 'create the bucket, or check its name' },
  {
    names: /^(ResourceNotFoundException|NotFound|404)$/,
    advice: 'check the name, and that it is in this region and account (aws.region)',
  },
  {
    names: /^CredentialsProviderError$/,
    message: /^Could not load credentials from any providers/,
    advice: `give Talon a role (EKS Pod Identity, IRSA, an instance profile), or ${CREDENTIALS}`,
  },
  {
    names: /^(CredentialsProviderError|TokenProviderError|ProviderError)$/,
    retryable: true,
    advice: 'the chain of the SDK found where credentials should be, and did not get them',
  },
  {
    names: /./,
    message: /^Region is missing|Invalid Configuration: Missing Region/,
    advice: 'set aws.region, or AWS_REGION',
  },
  {
    names:
      /^(Throttling|TooManyRequests|SlowDown|RequestLimitExceeded|BandwidthLimitExceeded|PriorRequestNotComplete|ProvisionedThroughputExceeded|EC2ThrottledException|429)/,
    retryable: true,
    advice: 'AWS throttles: raise the quota, or lower how often the rule fires',
  },
  { names: /^(TimeoutError|RequestTimeout)/, retryable: true, advice: 'AWS did not answer in time' },
]

/** What to do about a failure, and whether trying again makes sense. */
export function adviceOf(known: Known): Advice {
  const network = networkAdvice(known.fault)
  if (network) return network
  const row = ROWS.find(({ names, message }) => names.test(known.name) && (message?.test(known.message) ?? true))
  if (!row) return { advice: '' }
  const advice = typeof row.advice === 'string' ? row.advice : row.advice(known)
  return { advice, ...(row.retryable !== undefined && { retryable: row.retryable }) }
}

const LOST = /^(ECONN|EHOST|ENET|EADDR|EPIPE|EAI_|ETIMEDOUT)/

/** Undefined where it is not the network. */
function networkAdvice({ code, tls, untrusted }: ConnectionFault): Advice | undefined {
  if (untrusted)
    return { advice: 'put the CA that signed its certificate into the file of NODE_EXTRA_CA_CERTS', retryable: false }
  if (tls) return { advice: 'the endpoint does not speak TLS as it should', retryable: false }
  if (code === 'ENOTFOUND')
    return { advice: 'there is no such host: check aws.region and AWS_ENDPOINT_URL', retryable: true }
  if (LOST.test(code))
    return { advice: 'check the way to AWS: routes, network policies, proxies, AWS_ENDPOINT_URL', retryable: true }
  return undefined
}
