import { ActionError, unlessAborted } from '@talon/plugin'
import { findIdentity, type Identity } from './identity.ts'
import { tokenFailure } from './token-failure.ts'

/** Who Talon is to Google Cloud. Every wait ends with `signal`. */
export interface Credentials {
  /** Headers that authorise a request to an API. @throws ActionError that says what to do. */
  readonly headers: (signal: AbortSignal) => Promise<Readonly<Record<string, string>>>
  /** An identity token for whoever checks `audience`. @throws ActionError that says what to do. */
  readonly idToken: (audience: string, signal: AbortSignal) => Promise<string>
  /** The project of the credentials, or of the settings. @throws ActionError where neither names one. */
  readonly project: (signal: AbortSignal) => Promise<string>
  /** Lets go of all tokens, and finds the credentials anew: the other side did not take them. */
  readonly renew: () => void
}

/** Where credentials are looked for. */
export interface CredentialsOptions {
  /** `gcp.credentials_path`. */
  readonly path: string | undefined
  /** `gcp.project`. */
  readonly project: string | undefined
}

/** @throws ConfigError where there is a file that is no credentials file. */
export async function openCredentials({ path, project }: CredentialsOptions): Promise<Credentials> {
  let identity: Promise<Identity> | undefined = findIdentity(path)
  await identity

  const ask = async <T>(question: (identity: Identity) => Promise<T>, signal: AbortSignal): Promise<T> => {
    signal.throwIfAborted()
    try {
      // The library takes no signal.
      return await unlessAborted((identity ??= findIdentity(path)).then(question), signal)
    } catch (error) {
      signal.throwIfAborted()
      identity = undefined // a file may have been replaced, and a promise of the library that failed stays so
      throw tokenFailure(error, Date.now())
    }
  }
  return {
    headers: (signal) => ask(async ({ auth }) => Object.fromEntries(await auth.getRequestHeaders()), signal),
    idToken: (audience, signal) => ask((identity) => identityToken(identity, audience), signal),
    project: async (signal) => project ?? ask(({ auth }) => auth.getProjectId(), signal),
    renew: () => {
      identity = undefined
    },
  }
}

const isProvider = (client: object): client is { fetchIdToken(audience: string): Promise<string> } =>
  'fetchIdToken' in client

async function identityToken({ auth, identityTokenUrl }: Identity, audience: string): Promise<string> {
  const client = await auth.getClient()
  if (isProvider(client)) return client.fetchIdToken(audience)
  if (!identityTokenUrl)
    throw new ActionError(
      'these credentials give no identity token: use those of a service account, or a federation that impersonates one',
    )
  const data = { audience, includeEmail: true }
  const answer = await client.request<{ token: string }>({ url: identityTokenUrl, method: 'POST', data })
  return answer.data.token
}
