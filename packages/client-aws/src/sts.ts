import type * as Sts from '@aws-sdk/client-sts'
import type { AwsConfiguration, Common } from './configuration.ts'

/** Milliseconds for one answer: whoever waits for credentials has no signal to end it with. */
const ANSWER = 4000

/** Asks STS with a client of its own, whose requests end by themselves. */
export async function withSts<T>(
  configuration: Common & Partial<AwsConfiguration>,
  ask: (client: Sts.STSClient, sdk: typeof Sts) => Promise<T>,
): Promise<T> {
  const sdk = await import('@aws-sdk/client-sts')
  const client = new sdk.STSClient(briefly(configuration))
  try {
    return await ask(client, sdk)
  } finally {
    client.destroy()
  }
}

/** The same configuration, with an end to each request; a second try is made with the clock that AWS told. */
export function briefly<C extends Common>(configuration: C): C {
  const requestHandler = { ...configuration.requestHandler, requestTimeout: ANSWER, throwOnRequestTimeout: true }
  return { ...configuration, requestHandler, maxAttempts: 2 }
}
