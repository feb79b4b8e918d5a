/** What the settings say about where to send and who sends. */
export interface Access {
  readonly url?: string | undefined
  readonly host_port?: string | undefined
  readonly user?: string | undefined
  readonly api_key?: string | undefined
  readonly tenant?: string | undefined
  readonly custom_headers: Readonly<Record<string, string>>
}

const PUSH = '/loki/api/v1/push'

/** Where pushes go. An address that ends in `/push` is whole; before any other path stands what leads to Loki. */
export function addressOf({ url, host_port = '' }: Access): string {
  const address = new URL(url || host_port)
  const path = address.pathname.replace(/\/+$/, '')
  address.pathname = path.endsWith('/push') ? path : path + PUSH
  return address.href
}

/** Names of headers know no case: what a setting of its own says replaces a custom header. */
export function headersOf({ user, api_key, tenant, custom_headers }: Access): Record<string, string> {
  const headers = new Headers(custom_headers)
  headers.set('content-type', 'application/json')
  headers.set('user-agent', 'Falco-Talon')
  if (user && api_key) headers.set('authorization', `Basic ${Buffer.from(`${user}:${api_key}`).toString('base64')}`)
  if (tenant) headers.set('x-scope-orgid', tenant)
  return Object.fromEntries(headers)
}
