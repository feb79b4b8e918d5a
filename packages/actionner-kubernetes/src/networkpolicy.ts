import { kubernetes } from '@talon/client-kubernetes'
import { defineActionner, done, ignored, namespace, podName } from '@talon/plugin'
import { z } from 'zod'
import { isCidr } from './addresses.ts'
import { tidy } from './allowed.ts'
import { blockEgress, leaks } from './policy.ts'
import { markedPod, workloadOf } from './workload.ts'

/** Blocks what the pod sends. */
export const networkpolicy = defineActionner({
  name: 'kubernetes:networkpolicy',
  summary: "Block the egress of the pod's owner with a NetworkPolicy",
  notes: `Talon keeps one policy for each workload, named \`talon-<kind>-<name>\` and labelled
\`app.kubernetes.io/managed-by: talon\`; an object of that name without the label is left alone, and the action fails. It
selects the pods that the owner selects, of all its versions; with \`scope: pod\`, and where the owner's pods share no
label, it selects the one pod by a label \`falco-talon/pod\` that is put on it first.

Where several events hit one workload, what is allowed is what all of them allow. Policies only add up: the result names
those that still let the pod send. Whether connections that are open already end is up to the network plugin, as is
whether policies count at all.`,
  needs: { pod: podName, namespace },
  uses: { kubernetes },
  effect: 'change',
  repeatable: true,
  previews: true,
  parameters: z.object({
    allow_cidr: z
      .array(z.string().refine(isCidr, 'is no CIDR: write 10.0.0.0/8 or 2001:db8::/32'))
      .default([])
      .describe('Blocks of addresses that the pods may still reach; with none here and in `allow_namespaces`, nothing'),
    allow_namespaces: z
      .array(z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'is no name of a namespace'))
      .default([])
      .describe('Namespaces whose pods they may still reach'),
    scope: z.enum(['owner', 'pod']).default('owner').describe("All pods of the pod's owner, or the one pod"),
  }),
  examples: [
    { title: 'Block everything', parameters: {} },
    {
      title: 'Leave the name service and one network',
      parameters: { allow_cidr: ['10.0.0.0/8'], allow_namespaces: ['kube-system'] },
    },
  ],
  permissions: {
    kubernetes: [
      { apiGroups: [''], resources: ['pods'], verbs: ['get', 'patch'] },
      {
        apiGroups: ['apps'],
        resources: ['replicasets', 'statefulsets', 'daemonsets'],
        verbs: ['get'],
        when: { scope: 'owner' },
      },
      {
        apiGroups: ['networking.k8s.io'],
        resources: ['networkpolicies'],
        verbs: ['get', 'list', 'create', 'patch'],
      },
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
      const owned = parameters.scope === 'owner' ? await workloadOf(pod, kubernetes, signal) : undefined
      const workload = owned ?? (await markedPod(pod, kubernetes, { signal, dryRun }))
      const allowed = tidy({ cidrs: parameters.allow_cidr, namespaces: parameters.allow_namespaces })
      const { policy, difference, widest } = await blockEgress({ namespace, workload, allowed }, kubernetes, {
        signal,
        dryRun,
      })

      const others = await leaks(pod, policy, kubernetes, signal)
      const open = others.length ? `; egress is still let through by ${others.join(', ')}` : ''
      const still = [...widest.cidrs, ...widest.namespaces.map((one) => `namespace ${one}`)].join(', ')
      const rest = still ? `all but ${still}` : 'all'
      const blocks = dryRun ? 'would block' : 'blocks'
      const message = `${dryRun ? 'dry run: ' : ''}the NetworkPolicy '${policy}' in namespace '${namespace}' ${blocks} ${rest} egress of ${workload.words}${open}`
      return done(message, { pod: name, namespace, networkpolicy: policy }, difference ? { output: difference } : {})
    }),
})
