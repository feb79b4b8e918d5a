import { kubernetes, pods } from '@talon/client-kubernetes'
import { ActionError, defineActionner, done, ignored, namespace, podName } from '@talon/plugin'
import { z } from 'zod'
import { evictAll, inWords, type Fate } from './evict.ts'
import { minHealthyReplicas } from './healthy.ts'
import { isSelf } from './self.ts'
import { spared } from './spare.ts'

/** Seconds besides the waiting. */
const TIMEOUT = 30

/** Evicts the pods of the node. */
export const drain = defineActionner({
  name: 'kubernetes:drain',
  summary: "Evict the pods of the pod's node",
  notes: `Pods go through the Eviction API, so disruption budgets are honoured: where one says no, the eviction is tried again
for \`max_wait_period\`, which is also how long a pod may take to end. Put \`kubernetes:cordon\` before it, else new pods
may be placed on the node at once.

Static pods, finished pods and Talon's own pod always stay. The result counts who was evicted, ignored and failed, and
lists each with the reason.`,
  needs: { pod: podName, namespace },
  uses: { kubernetes },
  continue: false,
  effect: 'destroy',
  repeatable: true,
  previews: true,
  timeout: ({ max_wait_period }) => TIMEOUT + max_wait_period,
  parameters: z.object({
    grace_period_seconds: z
      .number()
      .int()
      .min(0)
      .optional()
      .describe("Seconds that a pod's processes may take to end; without it, what the pod says"),
    ignore_daemonsets: z.boolean().default(false).describe('Leave pods of DaemonSets alone'),
    ignore_statefulsets: z.boolean().default(false).describe('Leave pods of StatefulSets alone'),
    min_healthy_replicas: minHealthyReplicas,
    ignore_errors: z.boolean().default(false).describe('Succeed even where a pod could not be evicted'),
    ignore_error: z.boolean().optional().describe('The same, as older rules write it'),
    max_wait_period: z
      .number()
      .int()
      .min(0)
      .max(86_400)
      .default(0)
      .describe('Seconds to wait for disruption budgets, and for pods to end; 0 waits for neither'),
    wait_period_excluded_namespaces: z
      .array(z.string())
      .default([])
      .describe('Namespaces whose pods are not waited for'),
  }),
  examples: [
    {
      title: 'Empty the node within two minutes',
      parameters: { ignore_daemonsets: true, max_wait_period: 120, wait_period_excluded_namespaces: ['batch'] },
    },
  ],
  permissions: {
    kubernetes: [
      { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'], everywhere: true },
      { apiGroups: [''], resources: ['pods/eviction'], verbs: ['create'], everywhere: true },
      {
        apiGroups: ['apps'],
        resources: ['replicasets', 'statefulsets', 'daemonsets'],
        verbs: ['get'],
        unless: { min_healthy_replicas: undefined },
      },
    ],
  },
  run: (job, { kubernetes }) =>
    kubernetes.onPod(job, async (pod) => {
      const { parameters, signal, dryRun } = job
      const { name, namespace } = pod.metadata
      const { nodeName: node } = pod.spec
      if (!node)
        return ignored(`the pod '${name}' in namespace '${namespace}' has no node yet`, { pod: name, namespace })
      const all = await kubernetes.list(pods, { fieldSelector: `spec.nodeName=${node}`, signal })
      const own = await isSelf(kubernetes, signal)
      const reasons = await spared(all, { ...parameters, isSelf: own }, kubernetes, signal)
      const stay: Fate[] = [...reasons].map(([one, reason]) => ({ pod: one, end: 'ignored', reason }))
      const wait = { seconds: parameters.max_wait_period, except: parameters.wait_period_excluded_namespaces }
      const gone = await evictAll(
        all.filter((one) => !reasons.has(one)),
        { wait, gracePeriod: parameters.grace_period_seconds, dryRun, signal },
        kubernetes,
      )
      const { message, output, failed } = inWords(node, [...gone, ...stay], dryRun)
      if (failed && !parameters.ignore_errors && !parameters.ignore_error) throw new ActionError(message, { output })
      return done(message, { pod: name, namespace, node }, { output })
    }),
})
