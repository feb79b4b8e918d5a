import { kubernetes } from '@talon/client-kubernetes'
import { defineActionner, namespace, podName } from '@talon/plugin'
import { z } from 'zod'
import { metadataKey } from './labels.ts'
import { changeMetadata } from './metadata.ts'

/** Bytes of all annotations of an object: what the API server takes. */
const LIMIT = 256 * 1024

/** Sets and removes annotations. */
export const annotation = defineActionner({
  name: 'kubernetes:annotation',
  summary: 'Set or remove annotations of the pod, or of its node',
  notes: `Annotations hold any text and select nothing: they are for people and tools that look at the object later.`,
  needs: { pod: podName, namespace },
  uses: { kubernetes },
  effect: 'change',
  repeatable: true,
  previews: true,
  parameters: z.object({
    annotations: z
      .record(metadataKey, z.string().max(LIMIT, 'is too long: an object holds 256 kB of annotations'))
      .refine((annotations) => Object.keys(annotations).length > 0, 'names no annotation')
      .describe('Annotations to set; an empty value removes the annotation'),
    level: z.enum(['pod', 'node']).default('pod').describe('Which object gets the annotations'),
  }),
  examples: [
    {
      title: 'Say why the pod is of interest',
      parameters: { annotations: { 'example.com/incident': 'A shell was opened in it' } },
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
      const { annotations, level } = job.parameters
      return changeMetadata(job, pod, { what: 'annotations', values: annotations, level }, kubernetes)
    }),
})
