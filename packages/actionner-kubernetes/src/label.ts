import { kubernetes } from '@talon/client-kubernetes'
import { defineActionner, namespace, podName } from '@talon/plugin'
import { z } from 'zod'
import { labelValue, metadataKey } from './labels.ts'
import { changeMetadata } from './metadata.ts'

/** Sets and removes labels. */
export const label = defineActionner({
  name: 'kubernetes:label',
  summary: 'Set or remove labels of the pod, or of its node',
  notes: `A label that a Service or a NetworkPolicy selects by takes the pod out of the traffic, or into quarantine, while
it keeps running for those who investigate. A label that its owner selects by makes the owner start another pod.

Keys and values follow the syntax of Kubernetes labels; \`talon check\` tells where they do not.`,
  needs: { pod: podName, namespace },
  uses: { kubernetes },
  effect: 'change',
  repeatable: true,
  previews: true,
  parameters: z.object({
    labels: z
      .record(metadataKey, labelValue)
      .refine((labels) => Object.keys(labels).length > 0, 'names no label')
      .describe('Labels to set; an empty value removes the label'),
    level: z.enum(['pod', 'node']).default('pod').describe('Which object gets the labels'),
  }),
  examples: [
    { title: 'Mark the pod as suspicious', parameters: { labels: { suspicious: 'true' } } },
    {
      title: 'Take the node out of a pool and mark it',
      parameters: { labels: { pool: '', 'example.com/quarantine': 'true' }, level: 'node' },
    },
  ],
  permissions: {
    kubernetes: [
      { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
      { apiGroups: [''], resources: ['pods'], verbs: ['patch'], when: { level: 'pod' } },
      { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'patch'], when: { level: 'node' } },
    ],
  },
  run: (job, { kubernetes }) =>
    kubernetes.onPod(job, (pod) => {
      const { labels, level } = job.parameters
      return changeMetadata(job, pod, { what: 'labels', values: labels, level }, kubernetes)
    }),
})
