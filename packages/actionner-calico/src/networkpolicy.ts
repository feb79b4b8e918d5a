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
import { servedForm } from './form.ts'

/** Blocks the remote address. */
export const networkpolicy = defineActionner({
  name: 'calico:networkpolicy',
  summary: 'Block egress to the remote address of the event with a Calico policy',
  notes: `The policy denies the event's remote address first, then allows the lists, or everything else where both are empty.
It is called \`talon-\` and the name of the owner (the Deployment, StatefulSet, CronJob ...), carries the label
\`app.kubernetes.io/managed-by: talon\` and selects by the labels that the owner selects by, less those with hashes. A
workload without such labels is told apart by the pod, as with \`scope: pod\`: the pod gets the label \`talon/isolated\`
first. A policy of that name that Talon did not make is left alone, and the action fails.

A later event adds its address to those denied, and what it allows narrows what an earlier one left open. A pod with a
policy of its own is out of its owner's, and begins with what that one was. Delete the policy to open it up; take the label
from the pod as well.

Calico goes through policies by \`order\`, the lowest first, and the first rule that fits decides: a policy before Talon's
that allows the address wins, and so does Talon's over those behind it, with all that it allows. NetworkPolicies of
Kubernetes have the order 1000. Without \`order\` the policy comes last.

\`projectcalico.org/v3\` is used where the cluster serves it (Calico's API server), else \`crd.projectcalico.org/v1\`, where
the policy's name begins with \`default.\`, as Calico itself writes it. From 3.29 on Calico asks for rights to the tier
(\`default\`) too: they are among the permissions.`,
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
    order: z
      .number()
      .optional()
      .describe("Place of the policy among Calico's: the lowest is asked first; last without it"),
    scope: policyScope,
  }),
  examples: [
    { title: 'Block the remote address, before all other policies', parameters: { order: 0 } },
    {
      title: 'Leave the private networks and the DNS open, and nothing else',
      parameters: { allow_cidr: ['10.0.0.0/8'], allow_namespaces: ['kube-system'], order: 20 },
    },
  ],
  permissions: {
    kubernetes: [
      ...policyPermissions,
      {
        apiGroups: ['projectcalico.org', 'crd.projectcalico.org'],
        resources: ['networkpolicies'],
        verbs: ['get', 'create', 'patch'],
      },
      // From 3.29 on Calico asks for the right to the tier as well, which is `default`; its webhook calls a patch an update.
      { apiGroups: ['projectcalico.org'], resources: ['tiers'], verbs: ['get'] },
      {
        apiGroups: ['projectcalico.org'],
        resources: ['tier.networkpolicies'],
        verbs: ['get', 'create', 'patch', 'update'],
      },
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
      const form = await servedForm(kubernetes, parameters.order, signal)
      const egress: Egress = { deny: [hostNetwork(fields.remoteIp)], allow: allowedBy(parameters, 'everything') }
      const made = await isolate(kubernetes, pod, { form, scope: parameters.scope, egress }, { signal, dryRun })
      return toldOf(made, { kind: 'Calico NetworkPolicy', pod, dryRun })
    }),
})
