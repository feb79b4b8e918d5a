import type { Kubernetes, Pod } from '@talon/client-kubernetes'
import { isReady, ownerOf, replicasOf, wantedReady, type MinHealthyReplicas } from './healthy.ts'

export interface Sparing {
  readonly ignore_daemonsets: boolean
  readonly ignore_statefulsets: boolean
  readonly min_healthy_replicas?: MinHealthyReplicas
  readonly isSelf: (pod: Pod) => boolean
}

/** The pods of a node that stay, each with the reason. What goes together leaves enough replicas of every owner. */
export async function spared(
  pods: readonly Pod[],
  sparing: Sparing,
  kubernetes: Pick<Kubernetes, 'get' | 'list'>,
  signal: AbortSignal,
): Promise<Map<Pod, string>> {
  const reasons = new Map<Pod, string>()
  for (const pod of pods) {
    const reason = reasonFor(pod, sparing)
    if (reason) reasons.set(pod, reason)
  }
  const min = sparing.min_healthy_replicas
  if (min === undefined) return reasons

  /** How many ready pods of an owner may still go. */
  const left = new Map<string, number>()
  for (const pod of pods.filter((one) => !reasons.has(one) && isReady(one))) {
    const owner = ownerOf(pod)?.uid
    if (owner === undefined) continue
    if (!left.has(owner)) {
      const replicas = await replicasOf(pod, kubernetes, signal)
      left.set(owner, replicas ? replicas.ready - wantedReady(min, replicas.wanted) : Number.POSITIVE_INFINITY)
    }
    const may = left.get(owner) ?? 0
    if (may < 1) reasons.set(pod, `too few replicas of ${ownerOf(pod)?.kind} '${ownerOf(pod)?.name}' would be ready`)
    else left.set(owner, may - 1)
  }
  return reasons
}

function reasonFor(pod: Pod, sparing: Sparing): string | undefined {
  const { metadata, status } = pod
  if (sparing.isSelf(pod)) return "it is Talon's own"
  if (metadata?.annotations?.['kubernetes.io/config.mirror'] !== undefined) return 'it is a static pod'
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return 'it has finished'
  const owner = ownerOf(pod)?.kind
  if (sparing.ignore_daemonsets && owner === 'DaemonSet') return "it is a DaemonSet's"
  if (sparing.ignore_statefulsets && owner === 'StatefulSet') return "it is a StatefulSet's"
  return undefined
}
