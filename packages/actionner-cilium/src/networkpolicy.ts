import {
  allowCidr,
  allowedBy,
  allowNamespaces,
  hostNetwork,
  isolate,
  kubernetes,
  policyPermissions,
  policyScope,
  toldOf,
  type Egress,
} from '@talon/client-kubernetes'
import { defineActionner, ignored, namespace, podName, remoteIp } from '@talon/plugin'
import { z } from 'zod'
import { demandCilium, form } from './form.ts'

/** Blocks the remote address. */
export const networkpolicy = defineActionner({
  name: 'cilium:networkpolicy',
  summary: 'Block egress to the remote address of the event with a CiliumNetworkPolicy',
  notes: `The policy (\`cilium.io/v2\`) denies the event's remote address, and allows the lists, or everything else where both
are empty. What a policy of Cilium denies is denied whatever another allows. It is called \`talon-\` and the name of the
owner (the Deployment, StatefulSet, CronJob ...), carries the label \`app.kubernetes.io/managed-by: talon\` and selects by
the labels that the owner selects by, less those with hashes. A workload without such labels is told apart by the pod, as
with \`scope: pod\`: the pod gets the label \`talon/isolated\` first. A policy of that name that Talon did not make is left
alone, and the action fails.

A later event adds its address to those denied, and what it allows narrows what an earlier one left open. A pod with a
policy of its own is out of its owner's, and begins with what that one was. Delete the policy to open it up; take the label
from the pod as well.

Cilium knows pods and nodes of the cluster by their identity, not by their address: as a rule networks reach neither, in
what is denied as in what is allowed. Policies add up: what is allowed here is open even where another policy leaves it
closed, and only what is denied is closed for certain.`,
  needs: { pod: podName, namespace, remoteIp },
  uses: { kubernetes },
  effect: 'change',
  repeatable: true,
  previews: true,
  parameters: z.object({
    allow_cidr: allowCidr.describe(
      'Networks that stay open, less the remote address; without any, and without namespaces, everything else stays open',
    ),
    allow_namespaces: allowNamespaces.describe('Namespaces whose pods may still be reached'),
    scope: policyScope,
  }),
  examples: [
    { title: 'Block the remote address', parameters: {} },
    {
      title: 'Leave one network and the DNS open, and nothing else',
      parameters: { allow_cidr: ['192.0.2.0/24'], allow_namespaces: ['kube-system'] },
    },
  ],
  permissions: {
    kubernetes: [
      ...policyPermissions,
      { apiGroups: ['cilium.io'], resources: ['ciliumnetworkpolicies'], verbs: ['get', 'create', 'patch'] },
    ],
  },
  run: (job, { kubernetes }) =>
    kubernetes.onPod(job, async (pod) => {
      const { parameters, fields, signal, dryRun } = job
      const { name, namespace } = pod.metadata
      if (pod.spec.hostNetwork)
        return ignored(`the pod '${name}' in namespace '${namespace}' uses its node's network: no policy reaches it`, {
          pod: name,
          namespace,
        })
      await demandCilium(kubernetes, signal)
      const egress: Egress = { deny: [hostNetwork(fields.remoteIp)], allow: allowedBy(parameters, 'everything') }
      const made = await isolate(kubernetes, pod, { form, scope: parameters.scope, egress }, { signal, dryRun })
      return toldOf(made, { kind: 'CiliumNetworkPolicy', pod, dryRun })
    }),
})
