import { ConfigError } from '@talon/plugin'
import type { Common, Credentials } from './configuration.ts'
import { awsFailure } from './failure.ts'
import { withSts } from './sts.ts'

/**
 * Asks AWS whose credentials these are, once for each: that needs no rights and costs nothing. A failure that
 * is no answer is no objection: a private network may have no way to STS, and a region may be named by the rules alone.
 * @throws ConfigError where trying again is no use; an event that waits for it would wait in vain
 */
export function identityCheck(credentials: Credentials, common: Common): (signal: AbortSignal) => Promise<void> {
  let asked: string | undefined
  return async (signal) => {
    try {
      const { accessKeyId } = await credentials()
      if (asked === accessKeyId || areElsewhere(process.env)) return
      const ask = withSts({ ...common, credentials }, (client, sdk) =>
        client.send(new sdk.GetCallerIdentityCommand({}), { abortSignal: signal }),
      )
      await ask.catch((error: unknown) => {
        if (isAnswer(error)) throw error
      })
      asked = accessKeyId
    } catch (error) {
      signal.throwIfAborted()
      const failure = awsFailure(error, 'checking the credentials failed', 'sts:GetCallerIdentity')
      throw failure.retryable ? failure : new ConfigError(`aws: ${failure.message}`)
    }
  }
}

/** Keys of another S3 server are nobody's for AWS: with an endpoint of one's own, STS is asked where it has one, too. */
function areElsewhere(env: Readonly<Record<string, string | undefined>>): boolean {
  const own = Object.keys(env).filter((name) => name.startsWith('AWS_ENDPOINT_URL') && env[name])
  return own.length > 0 && !own.includes('AWS_ENDPOINT_URL_STS')
}

function isAnswer(error: unknown): boolean {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode !== undefined
}
