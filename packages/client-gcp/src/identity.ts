import { readFile } from 'node:fs/promises'
import { ConfigError } from '@talon/plugin'
import type { gaxios, GoogleAuth } from 'google-auth-library'
import { z } from 'zod'

/** Who Talon is, as the library has it. */
export interface Identity {
  readonly auth: GoogleAuth
  /** Where a federated identity gets an identity token, which the library does not ask for. */
  readonly identityTokenUrl?: string
}

const SCOPES = ['https://www.googleapis.com/auth/cloud-platform']
/** Milliseconds for one answer of whoever gives tokens. */
const TIMEOUT = 10_000

/**
 * Finds credentials as Google's own clients do: the file at `path`, else the environment, gcloud's file, the metadata
 * server. Asks nobody yet.
 * @throws ConfigError where a file is no credentials file.
 */
export async function findIdentity(path: string | undefined): Promise<Identity> {
  const library = await import('google-auth-library')
  const named = path ?? process.env['GOOGLE_APPLICATION_CREDENTIALS']
  const file = named ? await readCredentials(named) : undefined
  const transporter = sendOnce(new library.gaxios.Gaxios({ timeout: TIMEOUT }), file?.token_uri)
  // The library warns on stderr of every file that it opens itself but by the environment.
  if (file?.type === 'service_account') {
    const authClient = new library.JWT({ scopes: SCOPES, transporter })
    authClient.fromJSON(file)
    return { auth: new library.GoogleAuth({ authClient }) }
  }
  if (file?.type === 'authorized_user') {
    const authClient = new library.UserRefreshClient({ transporter })
    authClient.fromJSON(file)
    return { auth: new library.GoogleAuth({ authClient }) }
  }
  const impersonation = file?.service_account_impersonation_url
  return {
    auth: new library.GoogleAuth({
      scopes: SCOPES,
      clientOptions: { transporter },
      ...(path && { keyFilename: path }),
    }),
    ...(impersonation && { identityTokenUrl: impersonation.replace(/:generateAccessToken$/, ':generateIdToken') }),
  }
}

const url = z.url({ protocol: /^https?$/ }).optional()
const credentialsFile = z.looseObject({ type: z.string(), token_uri: url, service_account_impersonation_url: url })

async function readCredentials(path: string): Promise<z.output<typeof credentialsFile>> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError(`gcp: the credentials file cannot be read: ${error.message}; see gcp.credentials_path`)
  })
  try {
    return credentialsFile.parse(JSON.parse(text))
  } catch {
    // What the parser says may repeat the file, and so a key.
    throw new ConfigError(`gcp: ${path} is no credentials file: a JSON object with \`type\` is one`)
  }
}

/** What the library asks for tokens of accounts, whatever their file says. */
const TOKEN_URL = 'https://oauth2.googleapis.com/token'

/** What the library asks is sent once, because core alone tries again, and to the `token_uri` of the file. */
function sendOnce(transporter: gaxios.Gaxios, tokenUrl: string | undefined): gaxios.Gaxios {
  transporter.interceptors.request.add({
    resolved: (config) => {
      config.retry = false
      delete config.retryConfig
      if (tokenUrl && config.url.href === TOKEN_URL) config.url = new URL(tokenUrl)
      return Promise.resolve(config)
    },
  })
  return transporter
}
