import { ConfigError, defineClient } from '@talon/plugin'
import { z } from 'zod'
import { openCredentials, type Credentials } from './credentials.ts'
import { openExchange, type Exchange } from './exchange.ts'

/** Google Cloud's APIs as plain REST: no SDK of a service is needed. */
export interface Gcp extends Pick<Credentials, 'idToken' | 'project'> {
  /** Base URLs of the APIs, without a slash at the end. */
  readonly endpoints: { readonly storage: string; readonly functions: string }
  /** Sends once, with an access token where the request does not say otherwise. @throws ActionError */
  readonly send: Exchange['send']
  /** @throws ActionError where no access token can be had. */
  check(signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

const settings = z.object({
  credentials_path: z
    .string()
    .optional()
    .describe(
      'Path of a credentials file; application default credentials (environment, metadata server) where missing',
    ),
  region: z.string().optional().describe('Region; functions are told apart by their own `gcp_function_location`'),
  project: z.string().optional().describe("Project of the functions; the credentials' own where missing"),
  storage_endpoint: z
    .url({ protocol: /^https?$/ })
    .default('https://storage.googleapis.com')
    .describe('URL of Cloud Storage, for private endpoints; `STORAGE_EMULATOR_HOST` wins over it and sends no token'),
  functions_endpoint: z
    .url({ protocol: /^https?$/ })
    .default('https://cloudfunctions.googleapis.com')
    .describe('URL of the Cloud Functions API, for private endpoints'),
})

/** Google Cloud, for outputs and actionners. */
export const gcp = defineClient({
  name: 'gcp',
  summary: 'Google Cloud: credentials, requests, identity tokens',
  settings,
  async open({ credentials_path, project, storage_endpoint, functions_endpoint }): Promise<Gcp> {
    const emulator = process.env['STORAGE_EMULATOR_HOST']
    const storage = trimmed(emulator ? withScheme(emulator) : storage_endpoint)
    const credentials = await openCredentials({ path: credentials_path, project })
    const exchange = await openExchange({ credentials, anonymous: emulator ? new URL(storage).origin : undefined })
    return {
      endpoints: { storage, functions: trimmed(functions_endpoint) },
      send: exchange.send,
      idToken: credentials.idToken,
      project: credentials.project,
      // An emulator takes no token: nobody shall have to make up credentials for it.
      check: async (signal) => void (emulator || (await credentials.headers(signal))),
      close: exchange.close,
    }
  },
  close: (client) => client.close(),
  check: (client, signal) => client.check(signal),
})

const trimmed = (url: string) => url.replace(/\/+$/, '')

/** The SDKs take a URL, or a host and port that are spoken to without TLS. */
function withScheme(host: string): string {
  const url = /^https?:\/\//.test(host) ? host : `http://${host}`
  if (!URL.canParse(url)) throw new ConfigError('STORAGE_EMULATOR_HOST is neither a URL nor a host and port')
  return url
}
