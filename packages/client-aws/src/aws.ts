import type { Logger, NodeHttpHandlerOptions } from '@smithy/types'
import { defineClient } from '@talon/plugin'
import { z } from 'zod'
import { credentialsOf, type Credentials } from './credentials.ts'
import { identityCheck } from './identity.ts'

/** What every client of the SDK gets. A service's own settings come on top. */
export interface AwsConfiguration {
  readonly credentials: Credentials
  readonly region?: string
  /** 1: core alone tries again. */
  readonly maxAttempts: number
  readonly requestHandler: NodeHttpHandlerOptions
  readonly logger: Logger
}

/** Settings of one service. */
interface More {
  readonly requestHandler?: NodeHttpHandlerOptions
  readonly [setting: string]: unknown
}

/** A client of the SDK, as far as it is kept here. */
interface SdkClient {
  destroy(): void
}

/** AWS: clients of the SDK for its services, with the credentials and the region of the settings. */
export interface Aws {
  /**
   * The SDK's client of a service in a region (`aws.region`, or the SDK's chain, where missing). One of each is kept, and
   * closed with this. Calls end with the `abortSignal` that they are given, or after a minute of silence.
   * @param load imports the client's class, so that the SDK loads when it is needed
   * @param more settings of this service, the same each time; its `requestHandler` is laid over the usual one
   */
  service<C extends SdkClient>(
    service: string,
    load: () => Promise<new (configuration: AwsConfiguration) => C>,
    region?: string,
    more?: More,
  ): Promise<C>
  /** @throws ConfigError where there are no credentials, or AWS does not take them */
  check(signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

const settings = z
  .object({
    role_arn: z.string().optional().describe('Role to assume'),
    external_id: z.string().optional().describe('External id for the role'),
    region: z.string().optional().describe('Region'),
    access_key: z.string().optional().meta({ secret: true }).describe('Access key; the chain of the SDK where missing'),
    secret_key: z.string().optional().meta({ secret: true }).describe('Secret key; the chain of the SDK where missing'),
  })
  .refine(({ access_key, secret_key }) => !access_key === !secret_key, {
    message: 'access_key and secret_key belong together: give both, or none',
  })
  .refine(({ external_id, role_arn }) => role_arn || !external_id, {
    message: 'external_id is for a role: set role_arn too',
  })
export type AwsSettings = z.output<typeof settings>

/**
 * AWS, for outputs and actionners. Endpoints of one's own are the SDK's business: `AWS_ENDPOINT_URL`,
 * `AWS_ENDPOINT_URL_S3`, `AWS_USE_FIPS_ENDPOINT`; so is `HTTPS_PROXY` Node's.
 */
export const aws = defineClient({
  name: 'aws',
  summary: 'AWS: credentials that renew themselves, and clients of its services',
  settings,
  open: openAws,
  close: (client) => client.close(),
  check: (client, signal) => client.check(signal),
})

/** The SDK would write to the console. */
const quiet = { trace() {}, debug() {}, info() {}, warn() {}, error() {} }
/** Milliseconds to connect. */
const CONNECT = 5000
/** Milliseconds without a byte after which the other side is given up. */
const SILENCE = 60_000

function openAws(settings: AwsSettings): Aws {
  const { region } = settings
  const common = {
    maxAttempts: 1,
    logger: quiet,
    // Node knows proxies from 22.21 and 24.5 on.
    requestHandler: { connectionTimeout: CONNECT, socketTimeout: SILENCE, httpsAgent: { proxyEnv: process.env } },
    ...(region && { region }),
  }
  const credentials = credentialsOf(settings, common)
  const clients = new Map<string, Promise<SdkClient>>()
  return {
    check: identityCheck(credentials, common),
    service<C extends SdkClient>(
      service: string,
      load: () => Promise<new (configuration: AwsConfiguration) => C>,
      own = region,
      more: More = {},
    ) {
      const key = JSON.stringify([service, own])
      const kept = clients.get(key) as Promise<C> | undefined
      if (kept) return kept
      const requestHandler = { ...common.requestHandler, ...more.requestHandler }
      const configuration = { ...common, credentials, ...(own && { region: own }), ...more, requestHandler }
      const client = load().then((Client) => new Client(configuration))
      clients.set(key, client)
      client.catch(() => clients.delete(key))
      return client
    },
    async close() {
      const all = await Promise.allSettled(clients.values())
      clients.clear()
      for (const client of all) if (client.status === 'fulfilled') client.value.destroy()
    },
  }
}
