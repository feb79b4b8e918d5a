import { kubernetes, nodes, type Node } from '@talon/client-kubernetes'
import { defineContext, namespace, podName, type Context } from '@talon/plugin'

const ROLE = 'node-role.kubernetes.io/'

/** Labels that every cloud provider and kubelet sets by these names. */
const LABELS = {
  'node.hostname': 'kubernetes.io/hostname',
  'node.instancetype': 'node.kubernetes.io/instance-type',
  'node.topology.zone': 'topology.kubernetes.io/zone',
  'node.topology.region': 'topology.kubernetes.io/region',
} as const

/**
 * Facts about the node that the event's pod runs on. Each name is always given, so that its token never stays in a
 * text as it is written: a fact that the node does not have is empty, as all are where the pod is gone or has no node.
 */
export const k8snode = defineContext({
  name: 'k8snode',
  summary: "Facts about the node of the event's pod; what the node does not tell is empty",
  gives: {
    'node.hostname': 'Host name',
    'node.instancetype': 'Type of the machine, as the cloud provider calls it',
    'node.role': 'Roles, sorted and separated by commas: `control-plane`',
    'node.topology.zone': 'Zone',
    'node.topology.region': 'Region',
    'node.spec.providerid': "The cloud provider's id of the machine",
  },
  permissions: {
    kubernetes: [
      { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
      { apiGroups: [''], resources: ['nodes'], verbs: ['get'] },
    ],
  },
  needs: { pod: podName, namespace },
  uses: { kubernetes },
  async run(job, { kubernetes }) {
    const pod = await kubernetes.findPod(job)
    if (typeof pod === 'string') {
      // The action says itself what it makes of a pod that is gone; as a rule it is ignored.
      job.log.warn(`the node is not known: ${pod}`)
      return factsOf({})
    }
    const name = pod.spec.nodeName
    return factsOf(name ? await kubernetes.getOnce(job.event, { ...nodes, name }, job.signal) : {})
  },
})

function factsOf({ metadata, spec }: Node): Context {
  const labels = metadata?.labels ?? {}
  const roles = Object.keys(labels).flatMap((key) => (key.startsWith(ROLE) ? [key.slice(ROLE.length)] : []))
  return {
    ...Object.fromEntries(Object.entries(LABELS).map(([fact, label]) => [fact, labels[label] ?? ''])),
    'node.role': roles.toSorted().join(','),
    'node.spec.providerid': spec?.providerID ?? '',
  }
}
