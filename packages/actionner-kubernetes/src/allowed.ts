import type { NetworkPolicy } from '@talon/client-kubernetes'
import { contains, intersect } from './addresses.ts'

type Egress = NonNullable<NonNullable<NetworkPolicy['spec']>['egress']>

/** Where pods may still send to; nowhere where both are empty. */
export interface Allowed {
  readonly cidrs: readonly string[]
  readonly namespaces: readonly string[]
}

/** The label that every namespace has, with its name. */
const NAMESPACE = 'kubernetes.io/metadata.name'

/** As the rules of a NetworkPolicy say it. */
export function egressOf({ cidrs, namespaces }: Allowed): Egress {
  const to = [
    ...cidrs.map((cidr) => ({ ipBlock: { cidr } })),
    ...namespaces.map((name) => ({ namespaceSelector: { matchLabels: { [NAMESPACE]: name } } })),
  ]
  return to.length ? [{ to }] : []
}

/** What the rules of a policy of Talon allow. What Talon does not write itself is left out, so it is never allowed again. */
export function allowedBy(egress: Egress = []): Allowed {
  const peers = egress.filter(({ ports }) => !ports?.length).flatMap(({ to }) => to ?? [])
  return {
    cidrs: peers.flatMap(({ ipBlock }) => (ipBlock && !ipBlock.except?.length ? [ipBlock.cidr] : [])),
    namespaces: peers.flatMap(({ namespaceSelector, podSelector }) => {
      const { [NAMESPACE]: name, ...others } = namespaceSelector?.matchLabels ?? {}
      const alone = Object.keys(others).length === 0 && !namespaceSelector?.matchExpressions?.length && !podSelector
      return name !== undefined && alone ? [name] : []
    }),
  }
}

/** What both allow. */
export function narrowed(one: Allowed, other: Allowed): Allowed {
  return {
    cidrs: intersect(one.cidrs, other.cidrs),
    namespaces: one.namespaces.filter((name) => other.namespaces.includes(name)),
  }
}

/** Without doubles and blocks in other blocks, in one order. */
export function tidy({ cidrs, namespaces }: Allowed): Allowed {
  const inOther = (cidr: string, at: number) =>
    cidrs.some((other, n) => n !== at && contains(other, cidr) && !(contains(cidr, other) && n > at))
  return {
    cidrs: cidrs.filter((cidr, at) => !inOther(cidr, at)).toSorted(),
    namespaces: [...new Set(namespaces)].toSorted(),
  }
}
