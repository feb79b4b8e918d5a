import { randomBytes } from 'node:crypto'
import { stsError, type Answer } from './aws-refusals.ts'
import type { AwsKey } from './aws-signature.ts'

/** A role of the mock. */
export interface MockRole {
  readonly externalId?: string
  /** Token of a service account that may assume it by web identity, without a signature. */
  readonly webIdentity?: string
  /** Seconds that a session lasts. */
  seconds: number
}
export type Roles = Map<string, MockRole>

interface State {
  readonly keys: Map<string, AwsKey>
  readonly roles: Roles
  readonly now: number
}

const WEB_IDENTITY = 'AssumeRoleWithWebIdentity'

/** The one question that needs no signature: the token in it says who asks. */
export const isUnsigned = (body: Buffer) => new URLSearchParams(body.toString()).get('Action') === WEB_IDENTITY

/** AssumeRole, AssumeRoleWithWebIdentity and GetCallerIdentity, as https://docs.aws.amazon.com/STS/latest/APIReference/ has them. */
export function answerSts(
  { body, key }: { readonly body: Buffer; readonly key: string },
  { keys, roles, now }: State,
): Answer {
  const asked = new URLSearchParams(body.toString())
  const action = asked.get('Action') ?? ''
  if (action === 'GetCallerIdentity')
    return result(
      action,
      `<Arn>arn:aws:iam::111122223333:user/talon</Arn><UserId>${key}</UserId><Account>111122223333</Account>`,
    )
  const byWeb = action === WEB_IDENTITY
  if (action !== 'AssumeRole' && !byWeb) return stsError(400, 'InvalidAction', `Could not find operation ${action}`)
  const arn = asked.get('RoleArn') ?? ''
  const role = roles.get(arn)
  if (byWeb && role?.webIdentity !== asked.get('WebIdentityToken'))
    return stsError(
      400,
      'InvalidIdentityToken',
      'The web identity token that was passed could not be validated by AWS.',
    )
  if (!role || (role.externalId && role.externalId !== asked.get('ExternalId')))
    return stsError(
      403,
      'AccessDenied',
      `User: arn:aws:iam::111122223333:user/talon is not authorized to perform: sts:AssumeRole on resource: ${arn}`,
    )
  const until = now + role.seconds * 1000
  const id = `ASIA${randomBytes(8).toString('hex').toUpperCase()}`
  const session = { secret: randomBytes(20).toString('base64'), token: randomBytes(40).toString('base64'), until }
  keys.set(id, session)
  const credentials = `<AccessKeyId>${id}</AccessKeyId><SecretAccessKey>${session.secret}</SecretAccessKey><SessionToken>${session.token}</SessionToken><Expiration>${new Date(until).toISOString()}</Expiration>`
  const user = `<AssumedRoleUser><AssumedRoleId>AROA:talon</AssumedRoleId><Arn>${arn}/talon</Arn></AssumedRoleUser>`
  return result(action, `<Credentials>${credentials}</Credentials>${user}`)
}

function result(action: string, content: string): Answer {
  const body = `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${action}Result>${content}</${action}Result></${action}Response>`
  return { status: 200, body }
}
