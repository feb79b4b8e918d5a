import { networkPolicies, type Allowed, type NetworkPolicy, type PolicyForm } from '@talon/client-kubernetes'

type Rule = NonNullable<NonNullable<NetworkPolicy['spec']>['egress']>[number]

/** The label that every namespace has, with its name. */
const NAMESPACE = 'kubernetes.io/metadata.name'

/** How a NetworkPolicy says whom it selects and where they may send. It cannot deny: what it does not allow is closed. */
export const form: PolicyForm = {
  resource: networkPolicies,
  kind: 'NetworkPolicy',
  selector: ({ labels, without }) => ({
    podSelector: {
      matchLabels: labels,
      ...(without !== undefined && { matchExpressions: [{ key: without, operator: 'DoesNotExist' }] }),
    },
  }),
  rules: ({ allow }) => ({ policyTypes: ['Egress'], egress: allow === 'everything' ? [{}] : rulesOf(allow) }),
  read: ({ spec }) => ({ deny: [], allow: allowedBy((spec?.['egress'] ?? []) as readonly Rule[]) }),
}

function rulesOf({ cidrs, namespaces }: Allowed): Rule[] {
  const to = [
    ...cidrs.map((cidr) => ({ ipBlock: { cidr } })),
    ...namespaces.map((name) => ({ namespaceSelector: { matchLabels: { [NAMESPACE]: name } } })),
  ]
  return to.length ? [{ to }] : []
}

/** What Talon does not write itself is left out: where others changed the policy, it is closed rather than opened. */
function allowedBy(rules: readonly Rule[]): Allowed {
  const peers = rules.filter(({ ports }) => !ports?.length).flatMap(({ to }) => to ?? [])
  return {
    cidrs: peers.flatMap(({ ipBlock }) => (ipBlock && !ipBlock.except?.length ? [ipBlock.cidr] : [])),
    namespaces: peers.flatMap(({ namespaceSelector, podSelector }) => {
      const { [NAMESPACE]: name, ...others } = namespaceSelector?.matchLabels ?? {}
      const alone = Object.keys(others).length === 0 && !namespaceSelector?.matchExpressions?.length && !podSelector
      return name !== undefined && alone ? [name] : []
    }),
  }
}
