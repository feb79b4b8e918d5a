import { kubernetes, pods } from '@talon/client-kubernetes'
import { defineActionner, done, namespace, podName, type Artifact } from '@talon/plugin'
import { z } from 'zod'
import { containerFor, containerParameter } from './container.ts'
import { excerptOf, told } from './text.ts'

/** Bytes of the log that a notification carries where no output takes it. */
const TOLD = 64 * 1024

/** Collects what a container has logged. */
export const log = defineActionner({
  name: 'kubernetes:log',
  summary: "Collect the pod's logs",
  notes: `With an output, the log is stored there, however long it is. Without one it is the result of the action, cut
after 64 kB, and notifiers get it.

The container is the one that the event names; \`container\` counts where the event names none of the pod's.`,
  needs: { pod: podName, namespace },
  uses: { kubernetes },
  output: 'optional',
  effect: 'observe',
  repeatable: true,
  previews: true,
  parameters: z.object({
    tail_lines: z.number().int().min(1).default(20).describe('How many lines to collect, from the end'),
    container: containerParameter,
  }),
  examples: [{ title: 'Collect the last 1,000 lines', parameters: { tail_lines: 1000 } }],
  permissions: {
    kubernetes: [
      { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
      { apiGroups: [''], resources: ['pods/log'], verbs: ['get'] },
    ],
  },
  run: (job, { kubernetes }) =>
    kubernetes.onPod(job, async (pod) => {
      const { event, parameters, signal } = job
      const { name, namespace, uid } = pod.metadata
      const container = containerFor(pod, event, parameters.container)
      const objects = { pod: name, namespace, container }
      const what = `the log of the container '${container}' of the pod '${name}' in namespace '${namespace}'`
      if (job.dryRun) {
        await kubernetes.demand('get', { ...pods, namespace, name, subresource: 'log' }, signal)
        return done(`dry run: ${what} would be collected`, objects)
      }
      const open = () =>
        kubernetes.log({ namespace, name, uid }, { container, tailLines: parameters.tail_lines, signal })
      const first = await open()
      if (!job.artifactWanted) {
        const output = told(await excerptOf(first, TOLD), TOLD)
        return done(output ? `${what} was collected` : `${what} is empty`, objects, { output })
      }
      return done(`${what} was collected`, objects, { artifact: artifactFrom(`${container}.log`, first, open) })
    }),
})

/** What is open already is read first, so that a log that cannot be had fails while the pod is looked at. */
function artifactFrom(
  name: string,
  first: AsyncIterable<Uint8Array>,
  open: () => Promise<AsyncIterable<Uint8Array>>,
): Artifact {
  let opened: AsyncIterable<Uint8Array> | undefined = first
  return {
    name,
    async *open() {
      const source = opened ?? (await open())
      opened = undefined
      yield* source
    },
  }
}
