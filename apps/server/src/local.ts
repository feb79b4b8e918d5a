import type { IncomingMessage } from 'node:http'
import { BlockList } from 'node:net'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8)
loopback.addAddress('::1', 'ipv6')

/** What a proxy adds: a sidecar, too, connects over loopback and brings in strangers. */
const PASSED_ON = ['x-forwarded-for', 'x-forwarded-host', 'forwarded', 'via', 'x-envoy-external-address']

/**
 * Whether the request comes from this machine (or through `kubectl port-forward`), from a program and not from a page
 * in a browser.
 */
export function isLocal(incoming: Pick<IncomingMessage, 'headers' | 'socket'> | undefined): boolean {
  const address = incoming?.socket.remoteAddress?.replace(/^::ffff:/, '')
  if (!incoming || !address || !loopback.check(address, address.includes(':') ? 'ipv6' : 'ipv4')) return false
  const { headers } = incoming
  return !PASSED_ON.some((name) => name in headers) && !('origin' in headers) && !('sec-fetch-site' in headers)
}
