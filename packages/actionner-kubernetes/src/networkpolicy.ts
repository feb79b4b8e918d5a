import {
  allowCidr,
  allowedBy,
  allowNamespaces,
  isolate,
  kubernetes,
  networkPolicies,
  policyPermissions,
  policyScope,
  toldOf,
  type Isolation,
  type Kubernetes,
} from '@talon/client-kubernetes'
import { defineActionner, ignored, namespace, podName } from '@talon/plugin'
import { z } from 'zod'
import { form } from './policy-form.ts'
import { selects } from './selector.ts'

/** Blocks what the pod sends. */
export const networkpolicy = defineActionner({
  name: 'kubernetes:networkpolicy',
  summary: "Block the egress of the pod's owner with a NetworkPolicy",
  notes: `The policy is called \`talon-\` and the name of the owner (the Deployment, StatefulSet, CronJob ...), carries the label
\`app.kubernetes.io/managed-by: talon\` and selects by the labels that the owner selects by, less those with hashes. A
workload without such labels is told apart by the pod, as with \`scope: pod\`: the pod gets the label \`talon/isolated\`
first. A policy of that name that Talon did not make is left alone, and the action fails.

A later event narrows what an earlier one left open, and never widens it. A pod with a policy of its own is out of its
owner's, and begins with what that one was. Delete the policy to open it up; take the label from the pod as well. Policies
only add up: the result names those that still let the pod send. Whether connections that are open already end is up to the
network plugin, as is whether policies count at all.`,
  needs: { pod: podName, namespace },
  uses: { kubernetes },
  effect: 'change',
  repeatable: true,
  previews: true,
  parameters: z.object({
    allow_cidr: allowCidr.describe('Networks that stay open; without any, and without namespaces, nothing does'),
    allow_namespaces: allowNamespaces.describe('Namespaces whose pods may still be reached'),
    scope: policyScope,
  }),
  examples: [
    { title: 'Block everything', parameters: {} },
    {
      title: 'Leave the DNS and one network open',
      parameters: { allow_cidr: ['10.0.0.0/8'], allow_namespaces: ['kube-system'] },
    },
  ],
  permissions: {
    kubernetes: [
      ...policyPermissions,
      { apiGroups: ['networking.k8s.io'], resources: ['networkpolicies'], verbs: ['get', 'list', 'create', 'patch'] },
    ],
  },
  run: (job, { kubernetes }) =>
    kubernetes.onPod(job, async (pod) => {
      const { parameters, signal, dryRun } = job
      const { name, namespace } = pod.metadata
      if (pod.spec.hostNetwork)
        return ignored(`the pod '${name}' in namespace '${namespace}' uses its node's network: no policy reaches it`, {
          pod: name,
          namespace,
        })
      const egress = { deny: [], allow: allowedBy(parameters, 'nothing') }
      const made = await isolate(kubernetes, pod, { form, scope: parameters.scope, egress }, { signal, dryRun })
      const others = await leaks(namespace, made, kubernetes, signal)
      const told = toldOf(made, { kind: 'NetworkPolicy', pod, dryRun })
      if (others.length === 0) return told
      return { ...told, message: `${told.message}; egress is still let through by ${others.join(', ')}` }
    }),
})

/** Names of the other policies that let the pod send somewhere: what one policy allows, no other can forbid. */
async function leaks(
  namespace: string,
  { name, also, labels }: Isolation,
  kubernetes: Kubernetes,
  signal: AbortSignal,
): Promise<string[]> {
  const all = await kubernetes.list({ ...networkPolicies, namespace }, { signal })
  return all
    .filter(({ metadata }) => metadata?.name !== name && metadata?.name !== also)
    .filter(({ spec }) => spec?.egress?.length && (spec.policyTypes ?? ['Egress']).includes('Egress'))
    .filter(({ spec }) => selects(spec?.podSelector ?? {}, labels))
    .map(({ metadata }) => metadata?.name ?? '')
    .toSorted()
}
