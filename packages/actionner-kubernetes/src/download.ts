import { posix } from 'node:path'
import { kubernetes, pods } from '@talon/client-kubernetes'
import { ActionError, defineActionner, done, namespace, podName } from '@talon/plugin'
import { z } from 'zod'
import { containerFor, containerParameter } from './container.ts'
import { streamCommand } from './stream.ts'

/** What `cat` says, in the words that all its makers use, and what we say of it. */
const SAID = [
  [/No such file or directory/i, 'is not there'],
  [/Is a directory/i, 'is a directory: name a file'],
  [/Permission denied|Operation not permitted/i, "may not be read by the container's user"],
] as const

const GIB = 1024 ** 3

/** Downloads a file. */
export const download = defineActionner({
  name: 'kubernetes:download',
  summary: 'Download a file from the pod',
  notes: `The file is read by \`cat\` in the container, as the container's user, and streamed into the output: memory holds a
piece of it at a time. No shell sees the path. Only what the container's user may read can be had; an image without \`cat\`
gives nothing.

The container is the one that the event names; \`container\` counts where the event names none of the pod's.`,
  needs: { pod: podName, namespace },
  uses: { kubernetes },
  output: 'required',
  effect: 'observe',
  repeatable: true,
  previews: true,
  parameters: z.object({
    file: z
      .string()
      .min(1)
      .refine((path) => !path.includes('\0'), 'is no path: it holds a NUL')
      .meta({ tokens: 'text' })
      .describe('Path of the file in the container, from its root'),
    container: containerParameter,
    max_bytes: z
      .number()
      .int()
      .min(1)
      .default(2 * GIB)
      .describe('Bytes that are read at most: an event may name a file without end, such as /dev/zero'),
  }),
  examples: [{ title: 'Keep the file that was written', parameters: { file: '${FD_NAME}' } }],
  permissions: {
    kubernetes: [
      { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
      { apiGroups: [''], resources: ['pods/exec'], verbs: ['get', 'create'] },
    ],
  },
  run: (job, { kubernetes }) =>
    kubernetes.onPod(job, async (pod) => {
      const { parameters, signal } = job
      const { name, namespace, uid } = pod.metadata
      const { file, max_bytes } = parameters
      const container = containerFor(pod, job.event, parameters.container)
      const objects = { pod: name, namespace, container, file }
      const what = `the file ${JSON.stringify(file)} in the container '${container}' of the pod '${name}' in namespace '${namespace}'`
      if (!file.startsWith('/')) throw new ActionError(`${what} cannot be read: the path does not begin at the root`)
      if (job.dryRun) {
        for (const verb of ['get', 'create'])
          await kubernetes.demand(verb, { ...pods, namespace, name, subresource: 'exec' }, signal)
        return done(`dry run: ${what} would be downloaded`, objects)
      }
      const call = { namespace, pod: name, uid, container, command: ['cat', '--', file], signal }
      const open = () =>
        streamCommand(call, kubernetes, {
          limit: max_bytes,
          over: `${what} is over ${max_bytes} bytes; raise \`max_bytes\``,
          failed: (status, stderr) => {
            const [, reason] = SAID.find(([words]) => words.test(stderr)) ?? []
            return new ActionError(`${what} ${reason ?? `cannot be read: cat ended with status ${status}: ${stderr}`}`)
          },
          missing: `there is no \`cat\` in the container '${container}' of the pod '${name}': its image cannot give files`,
        })
      // The first piece is waited for: a file that is not there is told while the pod is looked at.
      const first = await open()
      let opened: typeof first | undefined = first
      const artifact = {
        name: posix.basename(file) || 'file',
        async *open() {
          const source = opened ?? (await open())
          opened = undefined
          yield* source
        },
      }
      return done(`${what} was downloaded`, objects, { artifact })
    }),
})
