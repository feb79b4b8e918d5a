import ipaddr from 'ipaddr.js'

/** Where traffic may go: nowhere else. */
export interface Allowed {
  /** Networks as `10.0.0.0/8`, `fd00::/8`. */
  readonly cidrs: readonly string[]
  /** Names of namespaces whose pods may be reached. */
  readonly namespaces: readonly string[]
}

/** What a policy makes of the traffic that leaves a pod. */
export interface Egress {
  /** Networks that cannot be reached whatever is allowed. */
  readonly deny: readonly string[]
  readonly allow: 'everything' | Allowed
}

type Network = [ipaddr.IPv4 | ipaddr.IPv6, number]

/** A network without the bits of a host: `10.1.2.3/8` is `10.0.0.0/8`. An IPv4 address in IPv6 is an IPv4 address. */
export function networkOf(cidr: string): string {
  const [address, bits] = parse(cidr)
  const network = address.kind() === 'ipv4' ? ipaddr.IPv4 : ipaddr.IPv6
  return `${network.networkAddressFromCIDR(`${address.toString()}/${bits}`).toString()}/${bits}`
}

/** The network that holds this address alone: `/32`, or `/128` for IPv6. */
export function hostNetwork(address: string): string {
  const parsed = ipaddr.process(address)
  return `${parsed.toString()}/${parsed.kind() === 'ipv4' ? 32 : 128}`
}

/** Whether every address of the second network is one of the first. */
export function contains(outer: string, inner: string): boolean {
  return holds(parse(outer), parse(inner))
}

function holds([network, bits]: Network, [address, more]: Network): boolean {
  return network.kind() === address.kind() && bits <= more && address.match([network, bits])
}

/** What both let through, as far as lists can say it: never more than either. */
export function narrow(before: Egress, wanted: Egress): Egress {
  return { deny: union(before.deny, wanted.deny), allow: both(before.allow, wanted.allow) }
}

function both(before: Egress['allow'], wanted: Egress['allow']): Egress['allow'] {
  if (before === 'everything') return wanted
  if (wanted === 'everything') return before
  const [old, asked] = [before.cidrs.map(parse), wanted.cidrs.map(parse)]
  const shared = [
    ...old.filter((one) => asked.some((other) => holds(other, one))),
    ...asked.filter((one) => old.some((other) => holds(other, one))),
  ]
  // What a network of one list and a namespace of the other have in common cannot be written down: it is left out.
  return {
    cidrs: largest(shared.map(written)),
    namespaces: before.namespaces.filter((name) => wanted.namespaces.includes(name)),
  }
}

const union = (before: readonly string[], more: readonly string[]) => largest([...before, ...more])

/** Networks, without those that lie within another: in the order in which they came. */
export function largest(cidrs: readonly string[]): string[] {
  const distinct = [...new Set(cidrs.map(networkOf))]
  const parsed = distinct.map(parse)
  return parsed.filter((one) => !parsed.some((other) => other !== one && holds(other, one))).map(written)
}

const written = ([address, bits]: Network) => `${address.toString()}/${bits}`

function parse(cidr: string): Network {
  const [address, bits] = ipaddr.parseCIDR(cidr)
  // ::ffff:192.0.2.1/128 leaves as 192.0.2.1/32.
  if (address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() && bits >= 96)
    return [address.toIPv4Address(), bits - 96]
  return [address, bits]
}
