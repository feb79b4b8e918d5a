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

/** Names of headers know no case: what a setting of its own says replaces a custom header. */
export function headersOf({ user, password, custom_headers }: Access, contentType: string): Record<string, string> {
  const headers = new Headers(custom_headers)
  headers.set('content-type', contentType)
  headers.set('user-agent', 'Falco-Talon')
  if (user && password) headers.set('authorization', `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`)
  return Object.fromEntries(headers)
}
