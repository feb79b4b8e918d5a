import type { Kubernetes, Pod } from '@talon/client-kubernetes'
import { isReady, ownerOf, replicasOf, tooFew, wantedReady, type MinHealthyReplicas } from './healthy.ts'

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

  /** What is left of the ready pods of an owner; nothing is kept of one that has no number of them. */
  const owners = new Map<string, { owner: string; wanted: number; left: number; needed: number } | undefined>()
  for (const pod of pods.filter((one) => !reasons.has(one) && isReady(one))) {
    const owner = ownerOf(pod)?.uid
    if (owner === undefined) continue
    if (!owners.has(owner)) {
      const told = await replicasOf(pod, kubernetes, signal)
      owners.set(owner, told && { ...told, left: told.ready, needed: wantedReady(min, told.wanted) })
    }
    const replicas = owners.get(owner)
    if (!replicas) continue
    if (replicas.left - 1 < replicas.needed) reasons.set(pod, tooFew(min, { ...replicas, left: replicas.left - 1 }))
    else replicas.left -= 1
  }
  return reasons
}

function reasonFor(pod: Pod, sparing: Sparing): string | undefined {
  const { metadata, status } = pod
  if (sparing.isSelf(pod)) return "it is Talon's own"
  if (metadata?.annotations?.['kubernetes.io/config.mirror'] !== undefined) return 'it is a static pod'
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return 'it has finished'
  const owner = ownerOf(pod)?.kind
  if (sparing.ignore_daemonsets && owner === 'DaemonSet') return "it is a DaemonSet's: ignore_daemonsets is true"
  if (sparing.ignore_statefulsets && owner === 'StatefulSet')
    return "it is a StatefulSet's: ignore_statefulsets is true"
  return undefined
}
