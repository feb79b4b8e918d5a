import { containerIds, kubernetes } from '@talon/client-kubernetes'
import { defineActionner, done, ignored, namespace, podName } from '@talon/plugin'
import { z } from 'zod'
import { startCapture } from './capture.ts'
import { imageParameter } from './parameters.ts'
import { endJob, startJob } from './job.ts'

/** Seconds besides the capture: to pull the image and to start. */
const TIMEOUT = 30
const LIMIT = 2 * 1024 ** 3

/** Captures system calls on the pod's node. */
export const sysdig = defineActionner({
  name: 'kubernetes:sysdig',
  summary: "Capture system calls through a job on the pod's node",
  notes: `A Job of \`image\` is put on the node, in the namespace of the pod, with the host's process ids and the capabilities that
sysdig's eBPF probe takes: BPF, PERFMON, SYS_PTRACE and SYS_RESOURCE; it is not privileged. The kernel must be 5.8 or newer and
have BTF. The capture is streamed into the output, and the Job is deleted after it; where Talon cannot, Kubernetes ends it
after its time and deletes it a minute later.

With \`scope: pod\` only system calls of the pod's containers are kept, with \`scope: node\` all of the node's: those of other
tenants too. Pod Security at the levels baseline and restricted lets no such Job in; the error says so then.

The life of the Job is tested with an image that stands in: no machine of the tests has a kernel that lets sysdig look.`,
  needs: { pod: podName, namespace },
  uses: { kubernetes },
  output: 'required',
  effect: 'observe',
  repeatable: true,
  previews: true,
  timeout: ({ duration }) => TIMEOUT + duration,
  parameters: z.object({
    duration: z
      .number()
      .int()
      .min(1)
      .max(30, 'is over 30 s: a capture grows fast')
      .default(5)
      .describe('Seconds to capture'),
    buffer_size: z
      .number()
      .int()
      .min(1)
      .max(65_535)
      .default(2048)
      .describe('Bytes of each read and written buffer that are kept'),
    scope: z
      .enum(['pod', 'node'])
      .default('pod')
      .describe("System calls of the pod's containers, or of the whole node"),
    image: imageParameter('docker.io/sysdig/sysdig:0.38.1'),
  }),
  examples: [{ title: 'Capture what the pod does for ten seconds', parameters: { duration: 10 } }],
  permissions: {
    kubernetes: [
      { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'create'] },
      { apiGroups: [''], resources: ['pods/exec'], verbs: ['get', 'create'] },
      { apiGroups: ['batch'], resources: ['jobs'], verbs: ['create', 'delete'] },
    ],
  },
  run: (job, { kubernetes }) =>
    kubernetes.onPod(job, async (pod) => {
      const { parameters, signal, dryRun, log } = job
      const { duration, buffer_size, scope, image } = parameters
      const { name, namespace } = pod.metadata
      const { nodeName: node } = pod.spec
      const objects = { pod: name, namespace, ...(node && { node }) }
      const what = `the capture of system calls of the pod '${name}' in namespace '${namespace}'`
      const ids = containerIds(pod).map((id) => id.slice(0, 12))
      if (!node) return ignored(`the pod '${name}' in namespace '${namespace}' has no node yet`, objects)
      if (scope === 'pod' && ids.length === 0)
        return ignored(`the pod '${name}' in namespace '${namespace}' has no container that runs`, objects)

      const started = await startJob({ namespace, node, image, seconds: duration }, kubernetes, { signal, dryRun })
      if (!started)
        return done(`dry run: ${what} would take ${duration} s with ${image} on the node '${node}'`, objects)
      const filter = scope === 'pod' ? [`container.id in (${ids.join(', ')})`] : []
      const command = [
        'sysdig',
        '--modern-bpf',
        '-M',
        String(duration),
        '-s',
        String(buffer_size),
        '-w',
        '-',
        ...filter,
      ]
      const call = { namespace, pod: started.pod, uid: started.uid, container: 'sysdig', command, signal }
      const capture = {
        call,
        what,
        program: 'sysdig',
        empty: 0,
        name: 'sysdig.scap',
        limit: LIMIT,
        ended: [],
        after: () => endJob({ namespace, name: started.job }, kubernetes, log),
      }
      const artifact = await startCapture(capture, kubernetes)
      if (!artifact) return ignored(`${what} stayed empty: sysdig wrote nothing in ${duration} s`, objects)
      return done(`${what} took ${duration} s`, { ...objects, job: started.job }, { artifact })
    }),
})
