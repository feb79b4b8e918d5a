import { kubernetes, pods } from '@talon/client-kubernetes'
import { defineActionner, done, ignored, namespace, podName } from '@talon/plugin'
import { z } from 'zod'
import { isReady, minHealthyReplicas, ownerOf, replicasOf, tooFew, wantedReady } from './healthy.ts'

/** Deletes the pod. */
export const terminate = defineActionner({
  name: 'kubernetes:terminate',
  summary: 'Delete the pod',
  notes: `The pod that the event tells of is deleted, and no other: the request carries its UID. Its owner starts another
one as a rule.

\`min_healthy_replicas\` looks at the state after the deletion: of an owner with 3 wanted and 3 ready replicas, "2" lets
one pod go and "3" none. It counts replicas of a ReplicaSet, a StatefulSet or a DaemonSet; a pod of another owner, or of
none, is not held back by it.`,
  needs: { pod: podName, namespace },
  uses: { kubernetes },
  continue: false,
  effect: 'destroy',
  repeatable: true,
  previews: true,
  parameters: z.object({
    grace_period_seconds: z
      .number()
      .int()
      .min(0)
      .default(0)
      .describe('Seconds that its processes may take to end; 0 kills them at once'),
    ignore_daemonsets: z.boolean().default(false).describe('Leave pods of DaemonSets alone'),
    ignore_statefulsets: z.boolean().default(false).describe('Leave pods of StatefulSets alone'),
    ignore_standalone_pods: z.boolean().default(false).describe('Leave pods alone that nothing would start again'),
    min_healthy_replicas: minHealthyReplicas,
  }),
  examples: [
    { title: 'Kill the pod at once', parameters: {} },
    {
      title: 'Only where a third of the replicas stays ready',
      parameters: { grace_period_seconds: 5, ignore_daemonsets: true, min_healthy_replicas: '33%' },
    },
  ],
  permissions: {
    kubernetes: [
      { apiGroups: [''], resources: ['pods'], verbs: ['get', 'delete'] },
      { apiGroups: [''], resources: ['pods'], verbs: ['list'], unless: { min_healthy_replicas: undefined } },
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
      const { name, namespace, uid } = pod.metadata
      const objects = { pod: name, namespace }
      const what = `the pod '${name}' in namespace '${namespace}'`
      const owner = ownerOf(pod)?.kind
      const stays = (why: string, setting: string) => ignored(`${what} ${why}: ${setting} is true`, objects)
      if (parameters.ignore_daemonsets && owner === 'DaemonSet') return stays("is a DaemonSet's", 'ignore_daemonsets')
      if (parameters.ignore_statefulsets && owner === 'StatefulSet')
        return stays("is a StatefulSet's", 'ignore_statefulsets')
      if (parameters.ignore_standalone_pods && !owner) return stays('stands alone', 'ignore_standalone_pods')

      const min = parameters.min_healthy_replicas
      const replicas = min === undefined ? undefined : await replicasOf(pod, kubernetes, signal)
      if (min !== undefined && replicas) {
        const left = replicas.ready - (isReady(pod) ? 1 : 0)
        const needed = wantedReady(min, replicas.wanted)
        if (left < needed) return ignored(`${what} stays: ${tooFew(min, { ...replicas, left, needed })}`, objects)
      }
      const target = { ...pods, namespace, name }
      await kubernetes.remove(target, { uid, gracePeriod: parameters.grace_period_seconds, dryRun, signal })
      return done(dryRun ? `dry run: ${what} would be deleted` : `${what} was deleted`, objects)
    }),
})
