import type { AwsCredentialIdentity, Logger, NodeHttpHandlerOptions } from '@smithy/types'

/** Gives credentials that are good for a while yet. */
export type Credentials = () => Promise<AwsCredentialIdentity>

/** What every client of the SDK gets. A service's own settings come on top. */
export interface AwsConfiguration {
  readonly credentials: Credentials
  readonly region?: string
  /** 1: core alone tries again. */
  readonly maxAttempts: number
  readonly requestHandler: NodeHttpHandlerOptions
  readonly logger: Logger
}

/** What the clients of the SDK have in common, apart from credentials. */
export type Common = Omit<AwsConfiguration, 'credentials'>
