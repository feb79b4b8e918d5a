import { randomUUID } from 'node:crypto'
import type { Flaw } from './aws-signature.ts'

/** What a service answers. */
export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

/** https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html and STS's page of the same name. */
const REFUSALS: Record<Flaw, { lambda: string; sts: string; message: (now: number) => string }> = {
  MissingAuthenticationToken: {
    lambda: 'MissingAuthenticationTokenException',
    sts: 'MissingAuthenticationToken',
    message: () => 'Missing Authentication Token',
  },
  IncompleteSignature: {
    lambda: 'IncompleteSignatureException',
    sts: 'IncompleteSignature',
    message: () => 'The request signature does not conform to AWS standards',
  },
  UnknownKey: {
    lambda: 'UnrecognizedClientException',
    sts: 'InvalidClientTokenId',
    message: () => 'The security token included in the request is invalid.',
  },
  Expired: {
    lambda: 'ExpiredTokenException',
    sts: 'ExpiredToken',
    message: () => 'The security token included in the request is expired',
  },
  Skewed: {
    lambda: 'InvalidSignatureException',
    sts: 'SignatureDoesNotMatch',
    message: (now) =>
      `Signature expired: 20200101T000000Z is now earlier than ${new Date(now).toISOString()} (... - 5 min.)`,
  },
  Region: {
    lambda: 'InvalidSignatureException',
    sts: 'SignatureDoesNotMatch',
    message: () => 'Credential should be scoped to a valid region. ',
  },
  Signature: {
    lambda: 'InvalidSignatureException',
    sts: 'SignatureDoesNotMatch',
    message: () =>
      'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.',
  },
}

/** What a service answers where the signature is wrong. */
export function refuse(service: 'lambda' | 'sts', flaw: Flaw, now: number): Answer {
  const { [service]: name, message } = REFUSALS[flaw]
  return service === 'sts' ? stsError(403, name, message(now)) : lambdaError(403, name, { message: message(now) })
}

/** An error in the JSON that Lambda answers. */
export function lambdaError(status: number, name: string, body: object, headers = {}): Answer {
  return { status, headers: { 'x-amzn-errortype': name, ...headers }, body: JSON.stringify(body) }
}

/** An error in the XML that STS answers. */
export function stsError(status: number, code: string, message: string): Answer {
  const error = `<Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error>`
  const body = `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">${error}<RequestId>${randomUUID()}</RequestId></ErrorResponse>`
  return { status, body }
}
