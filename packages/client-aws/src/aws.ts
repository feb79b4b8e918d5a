import type { Logger, NodeHttpHandlerOptions } from '@smithy/types'
import { defineClient } from '@talon/plugin'
import { z } from 'zod'
import { credentialsOf, type Credentials } from './credentials.ts'

/** What every client of the SDK gets. A service's own settings come on top. */
export interface AwsConfiguration {
  readonly credentials: Credentials
  readonly region?: string
  /** Core alone tries again. */
  readonly maxAttempts: number
  readonly requestHandler: NodeHttpHandlerOptions
  readonly logger: Logger
}

/** A client of the SDK, as far as it is kept here. */
interface SdkClient {
  destroy(): void
}

/** AWS: clients of the SDK for its services, with the credentials and the region of the settings. */
export interface Aws {
  /**
   * The SDK's client of a service in a region (`aws.region` or the SDK's chain where missing). One of each is kept,
   * and closed with this. Endpoints are the SDK's own: `AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_S3`.
   * @param load imports the client's class, so that the SDK loads when it is needed
   * @param more settings of this service
   */
  service<C extends SdkClient>(
    service: string,
    load: () => Promise<new (configuration: AwsConfiguration) => C>,
    region?: string,
    more?: object,
  ): Promise<C>
  close(): void
}

const settings = z.object({
  role_arn: z.string().optional().describe('Role to assume'),
  external_id: z.string().optional().describe('External id for the role'),
  region: z.string().optional().describe('Region'),
  access_key: z.string().optional().meta({ secret: true }).describe('Access key; the chain of the SDK where missing'),
  secret_key: z.string().optional().meta({ secret: true }).describe('Secret key; the chain of the SDK where missing'),
})
export type AwsSettings = z.output<typeof settings>

/** AWS, for outputs, actionners and contexts. */
export const aws = defineClient({
  name: 'aws',
  summary: 'AWS: credentials that renew themselves, and clients of its services',
  settings,
  open(settings): Aws {
    return openAws(settings)
  },
  close: (client) => client.close(),
})

/** The SDK would write to the console. */
const quiet = { trace() {}, debug() {}, info() {}, warn() {}, error() {} }
/** Milliseconds to connect; a request as a whole ends with its job. */
const CONNECT = 5000

function openAws(settings: AwsSettings): Aws {
  const { region } = settings
  const common = { maxAttempts: 1, requestHandler: { connectionTimeout: CONNECT }, logger: quiet }
  const credentials = credentialsOf(settings, { ...common, ...(region && { region }) })
  const clients = new Map<string, Promise<SdkClient>>()
  return {
    service: async <C extends SdkClient>(
      service: string,
      load: () => Promise<new (configuration: AwsConfiguration) => C>,
      own = region,
      more = {},
    ) => {
      const key = JSON.stringify([service, own])
      let client = clients.get(key) as Promise<C> | undefined
      if (!client) {
        client = load().then((Client) => new Client({ ...common, credentials, ...(own && { region: own }), ...more }))
        clients.set(key, client)
        client.catch(() => clients.delete(key))
      }
      return client
    },
    async close() {
      const all = [...clients.values()]
      clients.clear()
      for (const client of all) (await client).destroy()
    },
  }
}
