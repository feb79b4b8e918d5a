import type { NodeHttpHandlerOptions } from '@smithy/types'
import { defineClient } from '@talon/plugin'
import type { AwsConfiguration } from './configuration.ts'
import { credentialsOf } from './credentials.ts'
import { identityCheck } from './identity.ts'
import { settings, type AwsSettings } from './settings.ts'

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
