import type { Json, KubeObject } from './objects.ts'

/** What a controller says of its pods in the status of their owner; undefined of a kind that counts nothing. */
export function countsOf(owner: KubeObject, owned: readonly KubeObject[]): Json | undefined {
  const active = owned.filter(({ kind, metadata }) => kind === 'Pod' && metadata.deletionTimestamp === undefined)
  const ready = active.filter(isReady).length
  switch (owner.kind) {
    case 'ReplicaSet':
    case 'StatefulSet':
      return { replicas: active.length, readyReplicas: ready, availableReplicas: ready }
    case 'DaemonSet':
      return { currentNumberScheduled: active.length, numberReady: ready, numberAvailable: ready }
    case 'Deployment': {
      const sets = owned.filter(({ kind }) => kind === 'ReplicaSet')
      const sum = (field: string) => sets.reduce((total, { status }) => total + Number(status?.[field] ?? 0), 0)
      const replicas = sum('replicas')
      return {
        replicas,
        updatedReplicas: replicas,
        readyReplicas: sum('readyReplicas'),
        availableReplicas: sum('availableReplicas'),
      }
    }
    default:
      return undefined
  }
}

/** Whether a pod counts as ready: by its condition or, where it has none, by its containers. */
function isReady({ status = {} }: KubeObject): boolean {
  const conditions = status['conditions'] as { type: string; status: string }[] | undefined
  const found = conditions?.find(({ type }) => type === 'Ready')
  if (found) return found.status === 'True'
  const statuses = (status['containerStatuses'] ?? []) as { ready?: boolean }[]
  return statuses.length > 0 && statuses.every(({ ready }) => ready)
}
