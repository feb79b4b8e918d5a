/** What the settings say about where Loki is. */
export interface Place {
  readonly url?: string | undefined
  readonly host_port?: string | undefined
}

const PUSH = '/loki/api/v1/push'

/** Where pushes go. An address that ends in `/push` is whole; before any other path stands what leads to Loki. */
export function addressOf({ url, host_port = '' }: Place): string {
  const address = new URL(url || host_port)
  const path = address.pathname.replace(/\/+$/, '')
  address.pathname = path.endsWith('/push') ? path : path + PUSH
  return address.href
}
