import { kubernetes, pods } from '@talon/client-kubernetes'
import { defineActionner, done, ignored, namespace, podName } from '@talon/plugin'
import { z } from 'zod'
import { startCapture } from './capture.ts'
import { addEphemeral } from './ephemeral.ts'
import { imageParameter } from './parameters.ts'

/** Seconds besides the capture: to pull the image and to start. */
const TIMEOUT = 30
/** Bytes of a capture's header: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html */
const HEADER = 24
/** Bytes of a capture: ten gigabits a second fill it in less than two seconds. */
const LIMIT = 2 * 1024 ** 3
/** `timeout` of coreutils, and of busybox, after the signal. */
const ENDED = [124, 130, 143]

/** Captures packets of the pod. */
export const tcpdump = defineActionner({
  name: 'kubernetes:tcpdump',
  summary: 'Capture the packets of the pod',
  notes: `An ephemeral container of \`image\` joins the pod, with the capabilities NET_RAW, NET_ADMIN and SETGID and no others, and is not
privileged. It captures on all interfaces of the pod's network and writes nothing to disk: packets are streamed into the
output. It ends by itself a minute after the capture; Kubernetes keeps its entry in the pod as long as the pod lives, so
Talon puts at most 10 into one pod.

The image must have \`sleep\`, \`timeout\` and \`tcpdump\`. For clusters without a way to public registries, set \`image\`. Pod
Security at the levels baseline and restricted does not let these capabilities in; the error says so then. In a pod on its
node's network, the packets of the whole node are captured. A capture without a packet is \`ignored\`.`,
  needs: { pod: podName, namespace },
  uses: { kubernetes },
  output: 'required',
  effect: 'observe',
  repeatable: true,
  previews: true,
  timeout: ({ duration }) => TIMEOUT + duration,
  parameters: z.object({
    duration: z.number().int().min(1).max(3600).default(5).describe('Seconds to capture'),
    snaplen: z.number().int().min(64).max(262_144).default(4096).describe('Bytes of each packet that are kept'),
    image: imageParameter('docker.io/nicolaka/netshoot:v0.13'),
  }),
  examples: [
    { title: 'Capture for half a minute', parameters: { duration: 30 } },
    { title: 'With an image of your own', parameters: { image: 'registry.example.com/tools/tcpdump:4.99' } },
  ],
  permissions: {
    kubernetes: [
      { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
      { apiGroups: [''], resources: ['pods/ephemeralcontainers'], verbs: ['patch'] },
      { apiGroups: [''], resources: ['pods/exec'], verbs: ['get', 'create'] },
    ],
  },
  run: (job, { kubernetes }) =>
    kubernetes.onPod(job, async (pod) => {
      const { parameters, signal, dryRun } = job
      const { duration, snaplen, image } = parameters
      const { name, namespace, uid } = pod.metadata
      const what = `the capture of the pod '${name}' in namespace '${namespace}'`
      if (dryRun)
        for (const verb of ['get', 'create'])
          await kubernetes.demand(verb, { ...pods, namespace, name, subresource: 'exec' }, signal)
      const added = {
        image,
        imagePullPolicy: 'IfNotPresent',
        command: ['sleep', String(duration + 60)],
        securityContext: {
          privileged: false,
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          // Capabilities of a user other than root would have to be on the file in the image.
          runAsUser: 0,
          runAsNonRoot: false,
          // tcpdump leaves the groups of root before it reads a packet, and that takes SETGID.
          capabilities: { drop: ['ALL'], add: ['NET_RAW', 'NET_ADMIN', 'SETGID'] },
          seccompProfile: { type: 'RuntimeDefault' },
        },
      }
      const about = { kind: 'tcpdump', needs: 'the capabilities NET_RAW and NET_ADMIN' }
      const container = await addEphemeral(pod, added, about, kubernetes, { signal, dryRun })
      const objects = { pod: name, namespace, container }
      if (dryRun) return done(`dry run: ${what} would take ${duration} s with ${image}`, objects)

      const command = ['tcpdump', '-i', 'any', '-n', '-U', '-Z', 'root', '-s', String(snaplen), '-w', '-']
      const artifact = await startCapture(
        {
          call: {
            namespace,
            pod: name,
            uid,
            container,
            command: ['timeout', '-s', 'INT', String(duration), ...command],
            signal,
          },
          what,
          program: 'tcpdump',
          empty: HEADER,
          name: 'tcpdump.pcap',
          limit: LIMIT,
          ended: ENDED,
        },
        kubernetes,
      )
      if (!artifact) return ignored(`${what} stayed empty: there was no packet in ${duration} s`, objects)
      return done(`${what} took ${duration} s`, objects, { artifact })
    }),
})
