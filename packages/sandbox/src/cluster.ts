import { setTimeout as sleep } from 'node:timers/promises'
import { runPod } from './pods.ts'
import { apiVersion, type KindOf } from './kinds.ts'
import type { KubeObject } from './objects.ts'
import type { Store } from './store.ts'
import { podOfJob, replacementOf } from './workloads.ts'

export interface ClusterOptions {
  readonly store: Store
  /** Milliseconds until a controller replaces a pod that is gone. */
  readonly replaceDelay: number
  /** Milliseconds until a pod that was asked to end has ended. */
  readonly endDelay: number
  readonly kindOf: (object: KubeObject) => KindOf | undefined
  readonly signal: AbortSignal
}

const REPLACING = new Set(['ReplicaSet', 'StatefulSet', 'DaemonSet'])

/** What controllers and kubelet do: pods run, end, and are replaced; what is owned goes with its owner. */
export function createCluster({ store, replaceDelay, endDelay, kindOf, signal }: ClusterOptions) {
  const later = (delay: number, work: () => void) => {
    sleep(delay, undefined, { signal, ref: false }).then(work, () => {})
  }

  /** Called with each object that a client creates. */
  function created(object: KubeObject): void {
    if (object.kind !== 'Job') return
    const kind = kindOf({ apiVersion: 'v1', kind: 'Pod', metadata: { name: '' } })
    if (!kind) return
    store.create(kind, runPod(podOfJob(object)))
    const job = kindOf(object)
    if (job) later(endDelay, () => finishJob(job, object))
  }

  function finishJob(kind: KindOf, object: KubeObject): void {
    const { namespace, name } = object.metadata
    const current = store.find(kind, namespace, name)
    if (!current || current.status?.['succeeded']) return
    const conditions = [{ type: 'Complete', status: 'True' }]
    store.update(kind, { ...current, status: { succeeded: 1, conditions } })
  }

  /** Ends an object now or, as a pod with a grace period does, in a while. */
  function end(kind: KindOf, object: KubeObject, grace: number, orphan: boolean): KubeObject {
    if (object.kind !== 'Pod' || grace === 0) {
      gone(kind, object, orphan)
      return object
    }
    const deletionTimestamp = new Date(Date.now() + grace * 1000).toISOString().replace(/\.\d+Z$/, 'Z')
    const ending = store.update(kind, {
      ...object,
      metadata: { ...object.metadata, deletionTimestamp, deletionGracePeriodSeconds: grace },
    })
    later(endDelay, () => gone(kind, ending, orphan))
    return ending
  }

  function gone(kind: KindOf, object: KubeObject, orphan: boolean): void {
    store.remove(kind, object)
    for (const other of store.all()) {
      const owned = other.metadata.ownerReferences?.some(({ uid }) => uid === object.metadata.uid)
      const inside = kind.plural === 'namespaces' && other.metadata.namespace === object.metadata.name
      const otherKind = (owned && !orphan) || inside ? kindOf(other) : undefined
      if (otherKind) gone(otherKind, other, false)
    }
    if (object.kind === 'Pod') replace(kind, object)
  }

  function replace(kind: KindOf, object: KubeObject): void {
    const [reference] = object.metadata.ownerReferences?.filter(({ controller }) => controller) ?? []
    if (!reference || !REPLACING.has(reference.kind)) return
    later(replaceDelay, () => {
      const owner = [...store.all()].find(({ metadata }) => metadata.uid === reference.uid)
      if (!owner) return
      const next = runPod(replacementOf(object, owner))
      if (!store.find(kind, next.metadata.namespace, next.metadata.name)) store.create(kind, next)
    })
  }

  return { created, end }
}

/** Finds the kind of an object by what it says of itself. */
export const kindFinder = (kinds: readonly KindOf[]) => (object: KubeObject) =>
  kinds.find((kind) => kind.kind === object.kind && apiVersion(kind) === object.apiVersion)
