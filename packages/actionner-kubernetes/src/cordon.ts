import { kubernetes, nodes } from '@talon/client-kubernetes'
import { defineActionner, done, ignored, namespace, podName } from '@talon/plugin'
import { z } from 'zod'

/** Marks the node of the pod unschedulable. */
export const cordon = defineActionner({
  name: 'kubernetes:cordon',
  summary: "Mark the pod's node unschedulable",
  notes: `No new pod is placed on the node; those that run there stay. \`kubectl uncordon\` takes it back.`,
  needs: { pod: podName, namespace },
  uses: { kubernetes },
  effect: 'change',
  repeatable: true,
  previews: true,
  parameters: z.object({}),
  examples: [{ title: 'Place nothing new beside a suspicious pod', parameters: {} }],
  permissions: {
    kubernetes: [
      { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
      { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'patch'] },
    ],
  },
  run: (job, { kubernetes }) =>
    kubernetes.onPod(job, async (pod) => {
      const { dryRun, signal } = job
      const { name, namespace } = pod.metadata
      const { nodeName: node } = pod.spec
      if (!node)
        return ignored(`the pod '${name}' in namespace '${namespace}' has no node yet`, { pod: name, namespace })
      const objects = { pod: name, namespace, node }
      const target = { ...nodes, name: node }
      const { spec } = await kubernetes.get(target, signal)
      if (spec?.unschedulable) return done(`the node '${node}' was unschedulable already`, objects)
      await kubernetes.merge(target, { spec: { unschedulable: true } }, { dryRun, signal })
      if (!dryRun) return done(`the node '${node}' was marked unschedulable`, objects)
      const output = '+ spec.unschedulable=true'
      return done(`dry run: the node '${node}' would be marked unschedulable`, objects, { output })
    }),
})
