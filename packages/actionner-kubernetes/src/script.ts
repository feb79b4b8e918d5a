import { readFile } from 'node:fs/promises'
import { kubernetes } from '@talon/client-kubernetes'
import { ActionError, defineActionner, namespace, podName } from '@talon/plugin'
import { z } from 'zod'
import { runCommand } from './command.ts'
import { containerFor, containerParameter } from './container.ts'
import { shellParameter } from './parameters.ts'

/** Bytes of a script. */
const LONGEST = 1024 * 1024

/** Runs a script in the pod. */
export const script = defineActionner({
  name: 'kubernetes:script',
  summary: 'Run a script in the pod',
  notes: `As \`kubernetes:exec\`, for longer programs, of 1 MB at most. The script travels on standard input of the shell:
no file is written in the container. It is read by the shell of the parameter; a first line \`#!…\` is a comment. Its own
standard input is empty.

\`file\` is read from Talon's own disk each time the action runs, so that a mounted ConfigMap may change.`,
  needs: { pod: podName, namespace },
  uses: { kubernetes },
  effect: 'change',
  repeatable: false,
  previews: true,
  parameters: z
    .object({
      script: z
        .string()
        .min(1)
        .max(LONGEST)
        .refine((text) => !text.includes('\0'), 'holds a NUL')
        .optional()
        .meta({ shell: true })
        .describe('Text of the script; tokens become its variables'),
      file: z.string().min(1).optional().describe("Path of the script on Talon's disk; instead of `script`"),
      shell: shellParameter,
      container: containerParameter,
    })
    .refine(({ script, file }) => (script === undefined) !== (file === undefined), 'needs one of script and file'),
  examples: [
    {
      title: 'Keep what a process has open',
      parameters: { script: 'for entry in /proc/"${PROC_VPID}"/fd/*; do\n  readlink "$entry"\ndone\n' },
    },
    { title: 'Run a script of a mounted ConfigMap', parameters: { file: '/etc/talon/scripts/collect.sh' } },
  ],
  permissions: {
    kubernetes: [
      { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
      { apiGroups: [''], resources: ['pods/exec'], verbs: ['get', 'create'] },
    ],
  },
  run: (job, { kubernetes }) =>
    kubernetes.onPod(job, async (pod) => {
      const { script: given, file, shell, container } = job.parameters
      const into = containerFor(pod, job.event, container)
      const program =
        file === undefined ? { text: given ?? '', variables: job.tokens } : job.program(await read(file, job.signal))
      return runCommand(job, pod, { what: 'script', container: into, shell, ...program }, kubernetes)
    }),
})

async function read(file: string, signal: AbortSignal): Promise<string> {
  const text = await readFile(file, { encoding: 'utf8', signal }).catch((error: NodeJS.ErrnoException) => {
    signal.throwIfAborted()
    throw new ActionError(`the script ${file} cannot be read: ${error.message}; mount it, or correct \`file\``)
  })
  if (text.length > LONGEST || text.includes('\0'))
    throw new ActionError(`${file} is no script: it holds a NUL, or more than ${LONGEST} characters`)
  return text
}
