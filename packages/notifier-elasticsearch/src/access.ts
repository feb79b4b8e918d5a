import { basicAuthorization, headersOf } from '@talon/client-http'

/** What the settings say about where the server is and who asks. */
export interface Access {
  readonly url?: string | undefined
  readonly host_port?: string | undefined
  readonly user?: string | undefined
  readonly password?: string | undefined
  readonly custom_headers: Readonly<Record<string, string>>
}

/** An address of the server's API, below the path of the settings. `query` is names and values of parameters. */
export function addressOf(
  { url, host_port = '' }: Access,
  path: string,
  query: Readonly<Record<string, string>>,
): string {
  const address = new URL(url || host_port)
  address.pathname = address.pathname.replace(/\/+$/, '') + path
  for (const [name, value] of Object.entries(query)) address.searchParams.set(name, value)
  return address.href
}

/** Headers of a request to it. */
export function requestHeaders({ user, password, custom_headers }: Access, contentType: string) {
  return headersOf(custom_headers, { 'content-type': contentType, authorization: basicAuthorization(user, password) })
}
