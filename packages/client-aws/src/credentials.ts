import type { AwsCredentialIdentity } from '@smithy/types'
import type { Common, Credentials } from './configuration.ts'
import { awsFailure } from './failure.ts'
import type { AwsSettings } from './settings.ts'
import { briefly, withSts } from './sts.ts'

/** Milliseconds before the end of a session that it is renewed: the SDK's own figure. */
const EARLY = 5 * 60_000
/** Credentials without an end are read anew after a minute: their file may have been replaced. */
const FRESH = EARLY + 60_000

/** Credentials from where the settings say that they come. */
export function credentialsOf(settings: AwsSettings, common: Common): Credentials {
  const { role_arn, external_id, access_key, secret_key } = settings
  const own =
    access_key && secret_key
      ? () => Promise.resolve({ accessKeyId: access_key, secretAccessKey: secret_key })
      : () => fromChain(common)
  return renewed(role_arn ? () => assume({ role_arn, external_id }, { ...common, credentials: own }) : own)
}

/** The SDK's chain: environment, files, web identity (EKS), containers, instance metadata. Files are read anew. */
async function fromChain(common: Common): Promise<AwsCredentialIdentity> {
  const { defaultProvider } = await import('@aws-sdk/credential-provider-node')
  try {
    return await defaultProvider({ ignoreCache: true, clientConfig: briefly(common) })()
  } catch (error) {
    throw awsFailure(error, 'the chain of the SDK gives no credentials', 'sts:AssumeRoleWithWebIdentity')
  }
}

/** A session of the role, of an hour where the role allows for it. */
async function assume(
  { role_arn, external_id }: AwsSettings,
  configuration: Parameters<typeof withSts>[0],
): Promise<AwsCredentialIdentity> {
  const role = { RoleArn: role_arn, RoleSessionName: 'talon', ...(external_id && { ExternalId: external_id }) }
  try {
    const answer = await withSts(configuration, (client, sdk) => client.send(new sdk.AssumeRoleCommand(role)))
    const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = answer.Credentials ?? {}
    if (!AccessKeyId || !SecretAccessKey || !SessionToken || !Expiration) throw new Error('STS gave no whole session')
    const session = { sessionToken: SessionToken, expiration: Expiration }
    return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, ...session }
  } catch (error) {
    throw awsFailure(error, `assuming the role ${role_arn} (aws.role_arn) failed`, 'sts:AssumeRole')
  }
}

/** Loads once for all who ask, and again before the end. What is still good outlives a renewal that failed. */
function renewed(load: Credentials): Credentials {
  let kept: AwsCredentialIdentity | undefined
  let loading: Promise<AwsCredentialIdentity> | undefined
  const left = () => (kept?.expiration?.getTime() ?? 0) - Date.now()
  return async () => {
    if (kept && left() > EARLY) return kept
    loading ??= load()
      .then((loaded) => (kept = { expiration: new Date(Date.now() + FRESH), ...loaded }))
      .finally(() => (loading = undefined))
    try {
      return await loading
    } catch (error) {
      if (kept && left() > 0) return kept
      throw error
    }
  }
}
