import { BlockList, isIPv4, isIPv6 } from 'node:net'

const LENGTH = { ipv4: 32, ipv6: 128 } as const

interface Block {
  readonly address: string
  readonly length: number
  readonly family: keyof typeof LENGTH
}

/** `10.0.0.0/8`, `2001:db8::/32`; undefined where it is neither. */
function blockOf(cidr: string): Block | undefined {
  const [address = '', length = '', ...more] = cidr.split('/')
  const family = isIPv4(address) ? 'ipv4' : 'ipv6'
  const valid = (isIPv4(address) || isIPv6(address)) && !address.includes('%') && /^\d{1,3}$/.test(length)
  if (!valid || more.length > 0 || Number(length) > LENGTH[family]) return undefined
  return { address, length: Number(length), family }
}

/** Whether it is a block of addresses, IPv4 or IPv6. */
export const isCidr = (cidr: string): boolean => blockOf(cidr) !== undefined

/** Whether all addresses of `inner` are in `outer`. */
export function contains(outer: string, inner: string): boolean {
  const [out, into] = [blockOf(outer), blockOf(inner)]
  if (!out || !into || out.family !== into.family || out.length > into.length) return false
  const list = new BlockList()
  list.addSubnet(out.address, out.length, out.family)
  return list.check(into.address, into.family)
}

/** The blocks that are in both lists: never more than in one of them. */
export function intersect(one: readonly string[], other: readonly string[]): string[] {
  const both = one.flatMap((a) => other.flatMap((b) => (contains(a, b) ? [b] : contains(b, a) ? [a] : [])))
  return [...new Set(both)].toSorted()
}
