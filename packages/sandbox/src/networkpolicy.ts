import ipaddr from 'ipaddr.js'
import type { Json } from './objects.ts'
import { forbidden, required, unsupportedValue, wrongValue, type Cause } from './status.ts'

const NO_CIDR = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'
const PROTOCOLS = ['TCP', 'UDP', 'SCTP']

const isMap = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
const listOf = (value: unknown): Json[] => (Array.isArray(value) ? value.filter(isMap) : [])

/** What is wrong with labels at a field. */
type CheckLabels = (field: string, labels: unknown) => readonly Cause[]

/** What is wrong with the spec of a NetworkPolicy, in the API server's words. */
export function* networkPolicyCauses(spec: Json, checkLabels: CheckLabels): Iterable<Cause> {
  yield* selectorCauses('spec.podSelector', spec['podSelector'], checkLabels)
  for (const [direction, peers] of [
    ['ingress', 'from'],
    ['egress', 'to'],
  ] as const)
    for (const [n, rule] of listOf(spec[direction]).entries()) {
      const field = `spec.${direction}[${n}]`
      for (const [at, port] of listOf(rule['ports']).entries()) yield* portCauses(`${field}.ports[${at}]`, port)
      for (const [at, peer] of listOf(rule[peers]).entries())
        yield* peerCauses(`${field}.${peers}[${at}]`, peer, checkLabels)
    }
  for (const [n, type] of ((spec['policyTypes'] ?? []) as unknown[]).entries())
    if (type !== 'Ingress' && type !== 'Egress')
      yield unsupportedValue(`spec.policyTypes[${n}]`, type, ['Ingress', 'Egress'])
}

function* portCauses(field: string, { port, protocol }: Json): Iterable<Cause> {
  if (protocol !== undefined && !PROTOCOLS.some((known) => known === protocol))
    yield unsupportedValue(`${field}.protocol`, protocol, PROTOCOLS)
  if (typeof port === 'number' && (port < 1 || port > 65_535))
    yield wrongValue(`${field}.port`, port, 'must be between 1 and 65535, inclusive')
}

function* peerCauses(field: string, peer: Json, checkLabels: CheckLabels): Iterable<Cause> {
  const { ipBlock, podSelector, namespaceSelector } = peer
  if (podSelector !== undefined) yield* selectorCauses(`${field}.podSelector`, podSelector, checkLabels)
  if (namespaceSelector !== undefined)
    yield* selectorCauses(`${field}.namespaceSelector`, namespaceSelector, checkLabels)
  const others = podSelector !== undefined || namespaceSelector !== undefined
  if (ipBlock === undefined && !others) yield required(field, 'must specify a peer')
  if (ipBlock === undefined) return
  if (others) yield forbidden(field, 'may not specify both ipBlock and another peer')
  const { cidr, except } = (isMap(ipBlock) ? ipBlock : {}) as { cidr?: string; except?: string[] }
  if (!cidr) {
    yield required(`${field}.ipBlock.cidr`)
    return
  }
  const causes = [...cidrCauses(`${field}.ipBlock.cidr`, cidr)]
  yield* causes
  if (causes.length) return
  for (const [n, inner] of (except ?? []).entries()) {
    const place = `${field}.ipBlock.except[${n}]`
    const broken = [...cidrCauses(place, inner)]
    yield* broken
    if (!broken.length && !isInside(inner, cidr)) yield wrongValue(place, inner, 'must be a strict subset of `cidr`')
  }
}

function* cidrCauses(field: string, text: string): Iterable<Cause> {
  const [address = '', bits = ''] = text.split('/')
  const parts = address.split('.')
  const zeros = (part: string) => /^0\d/.test(part)
  if (!/^[0-9a-fA-F:.]+\/\d{1,3}$/.test(text) || (!address.includes(':') && parts.length !== 4))
    yield wrongValue(field, text, NO_CIDR)
  else if ((!address.includes(':') && parts.some(zeros)) || zeros(bits))
    yield wrongValue(field, text, 'must not have leading 0s in IP or prefix length')
  else if (!ipaddr.isValidCIDR(text)) yield wrongValue(field, text, NO_CIDR)
  else if (networkOf(text) !== ipaddr.parseCIDR(text)[0].toString())
    yield wrongValue(field, text, 'must not have bits set beyond the prefix length')
}

const networkOf = (cidr: string) =>
  (cidr.includes(':') ? ipaddr.IPv6.networkAddressFromCIDR(cidr) : ipaddr.IPv4.networkAddressFromCIDR(cidr)).toString()

function isInside(inner: string, outer: string): boolean {
  const [address, bits] = ipaddr.parseCIDR(inner)
  const [network, width] = ipaddr.parseCIDR(outer)
  return address.kind() === network.kind() && bits > width && address.match(network, width)
}

const OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist']

function* selectorCauses(field: string, selector: unknown, checkLabels: CheckLabels): Iterable<Cause> {
  if (!isMap(selector)) return
  yield* checkLabels(`${field}.matchLabels`, selector['matchLabels'])
  for (const [n, { operator, values }] of listOf(selector['matchExpressions']).entries()) {
    const place = `${field}.matchExpressions[${n}]`
    const listed = Array.isArray(values) && values.length > 0
    const wants = operator === 'In' || operator === 'NotIn'
    if (!OPERATORS.some((known) => known === operator))
      yield wrongValue(`${place}.operator`, operator, 'not a valid selector operator')
    else if (wants && !listed) yield required(`${place}.values`, "must be specified when `operator` is 'In' or 'NotIn'")
    else if (!wants && listed)
      yield forbidden(`${place}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
  }
}

/** The policy types that the API server fills in where a policy has none. */
export const policyTypesOf = ({ policyTypes, egress }: Json): unknown =>
  policyTypes ?? (listOf(egress).length ? ['Ingress', 'Egress'] : ['Ingress'])
