import type { Config } from '@talon/core'

/** Where the server that the settings describe is asked from its own machine: `http://127.0.0.1:2803`. */
export function ownServer({ listen_address: address, listen_port: port, tls }: Config): string {
  const host = ['0.0.0.0', '::', ''].includes(address) ? '127.0.0.1' : address
  return `${tls.cert_file ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** The same by the name that its certificate bears, where it has one and the settings say it. */
export function namedServer(config: Config): string {
  const { tls, deduplication } = config
  return (tls.cert_file && deduplication.address) || ownServer(config)
}
