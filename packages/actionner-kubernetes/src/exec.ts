import { kubernetes } from '@talon/client-kubernetes'
import { defineActionner, namespace, podName } from '@talon/plugin'
import { z } from 'zod'
import { runCommand } from './command.ts'
import { containerFor, containerParameter } from './container.ts'
import { shellParameter } from './parameters.ts'

/** Runs a command in the pod. */
export const exec = defineActionner({
  name: 'kubernetes:exec',
  summary: 'Run a command in the pod',
  notes: `The command is text for the shell. Tokens in it, such as \`\${FD_NAME}\`, reach the shell as exported variables
with the event's values, and never as text of the command: put them between double quotes, as any variable. A value that
holds a NUL or more than 128 kB is refused.

What it prints is the result, standard output and standard error of 256 kB each at most. A status that is not 0 is a
failure. When the time of the action is over, the stream is closed; Kubernetes does not end the command itself.

The container is the one that the event names; \`container\` counts where the event names none of the pod's. Nothing is
left in the container but what the command does.`,
  needs: { pod: podName, namespace },
  uses: { kubernetes },
  effect: 'change',
  repeatable: false,
  previews: true,
  parameters: z.object({
    command: z
      .string()
      .min(1)
      .refine((text) => !text.includes('\0'), 'holds a NUL')
      .meta({ shell: true })
      .describe('Command for the shell; tokens become its variables'),
    shell: shellParameter,
    container: containerParameter,
  }),
  examples: [
    { title: 'Say which file was opened', parameters: { command: 'ls -l "${FD_NAME}"' } },
    { title: 'End the process', parameters: { command: 'kill -9 "${PROC_VPID}"', shell: '/bin/bash' } },
  ],
  permissions: {
    kubernetes: [
      { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
      { apiGroups: [''], resources: ['pods/exec'], verbs: ['get', 'create'] },
    ],
  },
  run: (job, { kubernetes }) =>
    kubernetes.onPod(job, (pod) => {
      const { command: text, shell, container } = job.parameters
      const into = containerFor(pod, job.event, container)
      const command = { what: 'command', container: into, shell, text, variables: job.tokens }
      return runCommand(job, pod, command, kubernetes)
    }),
})
