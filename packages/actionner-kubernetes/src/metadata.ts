import {
  nodes,
  pods,
  type FoundPod,
  type Kubernetes,
  type Node,
  type Pod,
  type PodJob,
  type Target,
} from '@talon/client-kubernetes'
import { done, ignored, type Result } from '@talon/plugin'
import { changesOf, differences } from './labels.ts'

/** What label and annotation share: a change of one map of the metadata. */
export interface Change {
  readonly what: 'labels' | 'annotations'
  readonly values: Readonly<Record<string, string>>
  readonly level: 'pod' | 'node'
}

/** Sets and removes labels or annotations of the event's pod, or of its node. */
export async function changeMetadata(
  { signal, dryRun }: PodJob & { readonly dryRun: boolean },
  pod: FoundPod,
  { what, values, level }: Change,
  kubernetes: Kubernetes,
): Promise<Result> {
  const { name, namespace, uid } = pod.metadata
  const { nodeName } = pod.spec
  const objects = { pod: name, namespace, ...(level === 'node' && nodeName && { node: nodeName }) }
  const change = changesOf(values)
  let before: Pod | Node = pod
  let after: Pod | Node
  if (level === 'pod') {
    const target = { ...pods, namespace, name }
    after = await kubernetes.merge(target, { metadata: { uid, [what]: change } }, { signal, dryRun })
  } else {
    if (!nodeName) return ignored(`the pod '${name}' in namespace '${namespace}' has no node yet`, objects)
    const target: Target<Node> = { ...nodes, name: nodeName }
    if (dryRun) before = await kubernetes.get(target, signal)
    after = await kubernetes.merge(target, { metadata: { [what]: change } }, { signal, dryRun })
  }
  const whose = level === 'pod' ? `the pod '${name}' in namespace '${namespace}'` : `the node '${nodeName}'`
  if (!dryRun) return done(`${what} of ${whose} changed: ${inWords(values)}`, objects)
  const output = differences(before.metadata?.[what], after.metadata?.[what])
  const changes = output ? 'would change' : 'are so already and would not change'
  return done(`dry run: ${what} of ${whose} ${changes}`, objects, output ? { output } : {})
}

function inWords(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([key, value]) => (value === '' ? `${key} removed` : `${key}=${value}`))
    .join(', ')
}
