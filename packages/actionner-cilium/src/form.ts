import type { Egress, Kubernetes, PolicyForm } from '@talon/client-kubernetes'
import { ActionError } from '@talon/plugin'

/** A rule of a Cilium policy, as far as Talon writes it. */
interface Rule {
  readonly toCIDR?: readonly string[]
  readonly toEntities?: readonly string[]
  readonly toEndpoints?: readonly { readonly matchLabels?: Readonly<Record<string, string>> }[]
}

const RESOURCE = { group: 'cilium.io', version: 'v2', resource: 'ciliumnetworkpolicies' }
/** Where Cilium keeps the name of an endpoint's namespace. */
const NAMESPACE = 'k8s:io.kubernetes.pod.namespace'

/** @throws ActionError where the cluster does not know Cilium's policies */
export async function demandCilium(kubernetes: Pick<Kubernetes, 'resolve'>, signal: AbortSignal): Promise<void> {
  const [served] = await kubernetes.resolve(RESOURCE, signal)
  if (!served)
    throw new ActionError(
      'the cluster serves no policies of Cilium (cilium.io/v2): install Cilium, or use kubernetes:networkpolicy',
    )
}

/** A CiliumNetworkPolicy. What it denies counts before what any policy allows. */
export const form: PolicyForm = {
  resource: RESOURCE,
  kind: 'CiliumNetworkPolicy',
  selector: ({ labels, without }) => ({
    // The source of a label stands before it: one of the container runtime is not meant.
    endpointSelector: {
      matchLabels: Object.fromEntries(Object.entries(labels).map(([key, value]) => [`k8s:${key}`, value])),
      ...(without !== undefined && { matchExpressions: [{ key: `k8s:${without}`, operator: 'DoesNotExist' }] }),
    },
  }),
  rules: ({ deny, allow }) => ({
    ...(deny.length && { egressDeny: [{ toCIDR: deny }] }),
    egress: allow === 'everything' ? [{ toEntities: ['all'] }] : rulesOf(allow),
  }),
  read({ spec }) {
    const deny = ((spec?.['egressDeny'] ?? []) as Rule[]).flatMap(({ toCIDR }) => toCIDR ?? [])
    const rules = (spec?.['egress'] ?? []) as Rule[]
    if (rules.some((rule) => has(rule, 'toEntities') && rule.toEntities?.includes('all')))
      return { deny, allow: 'everything' }
    return {
      deny,
      allow: {
        cidrs: rules.flatMap((rule) => (has(rule, 'toCIDR') ? (rule.toCIDR ?? []) : [])),
        namespaces: rules
          .flatMap((rule) => (has(rule, 'toEndpoints') ? (rule.toEndpoints ?? []) : []))
          .flatMap((endpoints) => namespaceOf(endpoints)),
      },
    }
  },
}

function rulesOf({ cidrs, namespaces }: Exclude<Egress['allow'], 'everything'>): Rule[] {
  const rules = [
    ...(cidrs.length ? [{ toCIDR: cidrs }] : []),
    ...(namespaces.length ? [{ toEndpoints: namespaces.map((name) => ({ matchLabels: { [NAMESPACE]: name } })) }] : []),
  ]
  // Cilium's way to say nothing: a rule that allows no one, so that everything that no rule names is dropped.
  return rules.length ? rules : [{}]
}

/** Whether this is all that the rule says: one with ports, too, allows less than its networks. */
const has = (rule: Rule, key: keyof Rule) => Object.keys(rule).length === 1 && rule[key] !== undefined

function namespaceOf(endpoints: object & { readonly matchLabels?: Readonly<Record<string, string>> }): string[] {
  const { [NAMESPACE]: name, ...others } = endpoints.matchLabels ?? {}
  const alone = Object.keys(endpoints).length === 1 && Object.keys(others).length === 0
  return name !== undefined && alone ? [name] : []
}
