import { readFile } from 'node:fs/promises'
import { ActionError, ConfigError } from '@talon/plugin'
import type { AuthClient, gaxios, GoogleAuth } from 'google-auth-library'
import { z } from 'zod'
import { tokenFailure } from './token-failure.ts'

/** Who Talon is to Google Cloud. Every wait ends with `signal`. */
export interface Credentials {
  /** Headers that authorise a request to an API. @throws ActionError that says what to do. */
  readonly headers: (signal: AbortSignal) => Promise<Readonly<Record<string, string>>>
  /** An identity token for whoever checks `audience`. @throws ActionError that says what to do. */
  readonly idToken: (audience: string, signal: AbortSignal) => Promise<string>
  /** The project of the credentials, or of the settings. @throws ActionError where neither names one. */
  readonly project: (signal: AbortSignal) => Promise<string>
  /** Lets go of all tokens, and reads the credentials again: the other side did not take them. */
  readonly renew: () => void
}

export interface CredentialsOptions {
  /** `gcp.credentials_path`; without it the library looks for application default credentials. */
  readonly path: string | undefined
  readonly project: string | undefined
}

const SCOPES = ['https://www.googleapis.com/auth/cloud-platform']
/** Milliseconds for one answer of whoever gives tokens. */
const TIMEOUT = 10_000

/**
 * Credentials by the library's own chain: file, environment, gcloud's file, metadata server.
 * @throws ConfigError where the file is no credentials file.
 */
export async function openCredentials({ path, project }: CredentialsOptions): Promise<Credentials> {
  const library = await import('google-auth-library')
  const make = async (): Promise<GoogleAuth> => {
    const named = path ?? process.env['GOOGLE_APPLICATION_CREDENTIALS']
    const file = named ? await readCredentials(named) : undefined
    const transporter = sendOnce(new library.gaxios.Gaxios({ timeout: TIMEOUT }), file?.token_uri)
    // The library warns on stderr of every file that it opens itself but by the environment.
    if (file?.type === 'service_account') {
      const authClient = new library.JWT({ scopes: SCOPES, transporter })
      authClient.fromJSON(file)
      return new library.GoogleAuth({ authClient })
    }
    if (file?.type === 'authorized_user') {
      const authClient = new library.UserRefreshClient({ transporter })
      authClient.fromJSON(file)
      return new library.GoogleAuth({ authClient })
    }
    return new library.GoogleAuth({
      scopes: SCOPES,
      clientOptions: { transporter },
      ...(path && { keyFilename: path }),
    })
  }
  let auth: Promise<GoogleAuth> | undefined = make()
  await auth

  const ask = async <T>(question: (auth: GoogleAuth) => Promise<T>, signal: AbortSignal): Promise<T> => {
    signal.throwIfAborted()
    try {
      return await within(signal, (auth ??= make()).then(question))
    } catch (error) {
      signal.throwIfAborted()
      auth = undefined // a file may have been replaced, and a library's promise that failed stays so
      throw tokenFailure(error, Date.now())
    }
  }
  return {
    headers: (signal) => ask(async (auth) => Object.fromEntries(await auth.getRequestHeaders()), signal),
    idToken: (audience, signal) => ask(async (auth) => identityOf(await auth.getClient(), audience), signal),
    project: async (signal) => project ?? ask((auth) => auth.getProjectId(), signal),
    renew: () => {
      auth = undefined
    },
  }
}

const credentialsFile = z.looseObject({ type: z.string(), token_uri: z.url({ protocol: /^https?$/ }).optional() })

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

/** What the library asks for tokens of service accounts, whatever their file says. */
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

/** The account that workload identity federation ends in, asked for as the library does not do it. */
interface Federated {
  getServiceAccountEmail(): string | null
}
const isFederated = (client: object): client is Federated => 'getServiceAccountEmail' in client
const isProvider = (client: object): client is { fetchIdToken(audience: string): Promise<string> } =>
  'fetchIdToken' in client

async function identityOf(client: AuthClient, audience: string): Promise<string> {
  if (isProvider(client)) return client.fetchIdToken(audience)
  const account = isFederated(client) ? client.getServiceAccountEmail() : null
  if (!account)
    throw new ActionError(
      'these credentials give no identity token: use those of a service account, or a federation that impersonates one',
    )
  const url = `https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${account}:generateIdToken`
  const { data } = await client.request<{ token: string }>({
    url,
    method: 'POST',
    data: { audience, includeEmail: true },
  })
  return data.token
}

/** The library takes no signal: what it still does then has nobody waiting for it. */
function within<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = () => reject(signal.reason as Error)
    signal.addEventListener('abort', end, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', end))
  })
}
