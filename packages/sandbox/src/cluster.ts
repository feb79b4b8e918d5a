import { setTimeout as sleep } from 'node:timers/promises'
import { isOwnedBy, runControllers } from './controllers.ts'
import { apiVersion, kindsOfCrd, type KindOf } from './kinds.ts'
import type { KubeObject, Pod } from './objects.ts'
import { endingAt, endPod, graceOf, runPod } from './pods.ts'
import type { StartScript } from './script.ts'
import { secondsNow, type Store } from './store.ts'
import { podOfJob } from './workloads.ts'

/** The exit code with which the pod of a Job ends: 0 completes the Job, another fails it. */
export type JobScript = (asked: { readonly job: KubeObject; readonly pod: Pod }) => number | Promise<number>

export interface ClusterOptions {
  readonly store: Store
  /** What is served; definitions of custom kinds add to it and take from it. */
  readonly kinds: KindOf[]
  /** Milliseconds until a controller replaces a pod that is gone. */
  readonly replaceDelay: number
  /** Milliseconds until a pod that was asked to end, or the pod of a Job, has ended. */
  readonly endDelay: number
  readonly job: JobScript
  readonly starts?: StartScript | undefined
  readonly signal: AbortSignal
}

export type Cluster = ReturnType<typeof createCluster>

const POD = { apiVersion: 'v1', kind: 'Pod', metadata: { name: '' } }

/** What becomes of what an object owns. */
export type Propagation = 'Background' | 'Foreground' | 'Orphan'

const FOREGROUND = 'foregroundDeletion'

/** What controllers and kubelet do: pods run, end, and are replaced; what is owned goes with its owner. */
export function createCluster({ store, kinds, replaceDelay, endDelay, job: script, starts, signal }: ClusterOptions) {
  const later = (delay: number, work: () => void | Promise<void>) => {
    // Closing the sandbox ends the wait; that is no failure.
    sleep(delay, undefined, { signal, ref: false }).then(work, () => {})
  }
  const kindOf = (object: KubeObject) =>
    kinds.find((kind) => kind.kind === object.kind && apiVersion(kind) === object.apiVersion)

  /** Called with each object that a client creates. */
  function created(object: KubeObject): void {
    define(object)
    const [jobs, pods] = [kindOf(object), kindOf(POD)]
    if (object.kind !== 'Job' || !jobs || !pods) return
    const pod = store.create(pods, runPod(podOfJob(object), starts))
    store.update(jobs, { ...object, status: { active: 1, ready: 1, startTime: secondsNow() } })
    // A container that cannot start keeps its Job waiting.
    if (pod.status?.['phase'] !== 'Pending')
      later(endDelay, async () => finishJob(jobs, object, pods, pod, await script({ job: object, pod: pod as Pod })))
  }

  /** Serves the kinds of a CustomResourceDefinition from now on. */
  function define(object: KubeObject): void {
    if (object.kind === 'CustomResourceDefinition') kinds.push(...kindsOfCrd(object))
  }

  function finishJob(jobs: KindOf, job: KubeObject, pods: KindOf, pod: KubeObject, exitCode: number): void {
    const running = store.find(pods, pod.metadata.namespace, pod.metadata.name)
    if (running) store.update(pods, endPod(running, exitCode))
    const current = store.find(jobs, job.metadata.namespace, job.metadata.name)
    if (!current || current.metadata.uid !== job.metadata.uid) return
    const conditions = [
      { type: exitCode === 0 ? 'Complete' : 'Failed', status: 'True', lastTransitionTime: secondsNow() },
    ]
    const count = exitCode === 0 ? { succeeded: 1, completionTime: secondsNow() } : { failed: 1 }
    store.update(jobs, { ...current, status: { startTime: current.status?.['startTime'], ...count, conditions } })
  }

  /** Ends an object: now, or as a pod with a grace period does, in a while, or when its last finalizer is taken away. */
  function end(kind: KindOf, object: KubeObject, grace: number, policy: Propagation = 'Background'): KubeObject {
    if (policy === 'Foreground') return endAfterOwned(kind, object, grace)
    const orphan = policy === 'Orphan'
    const pod = kind.kind === 'Pod' && kind.group === ''
    const { finalizers, deletionTimestamp } = object.metadata
    const left = pod && isRunning(object) ? grace : 0
    if (left === 0 && !finalizers?.length) {
      gone(kind, object, orphan)
      const times = { deletionTimestamp: deletionTimestamp ?? secondsNow(), deletionGracePeriodSeconds: 0 }
      return { ...object, metadata: { ...object.metadata, ...times } }
    }
    if (deletionTimestamp && left > 0) return object
    const ending = store.update(kind, object, false, {
      deletionTimestamp: deletionTimestamp ?? endingAt(left),
      deletionGracePeriodSeconds: left,
    })
    if (left > 0)
      later(endDelay, () => {
        const current = store.find(kind, ending.metadata.namespace, ending.metadata.name)
        if (current && current.metadata.uid === ending.metadata.uid) end(kind, current, 0, policy)
      })
    return ending
  }

  /** Marks an object, ends what it owns, and lets it go when that is gone. */
  function endAfterOwned(kind: KindOf, object: KubeObject, grace: number): KubeObject {
    const { uid = '', finalizers = [], namespace, name } = object.metadata
    const owned = () => store.ownedBy(uid)
    if (!owned().length) return end(kind, object, grace)
    if (finalizers.includes(FOREGROUND)) return object
    const marked = { ...object, metadata: { ...object.metadata, finalizers: [...finalizers, FOREGROUND] } }
    const times = { deletionTimestamp: secondsNow(), deletionGracePeriodSeconds: 0 }
    const ending = store.update(kind, marked, false, times)
    const stop = store.follow(({ type, object: other }) => {
      if (type === 'DELETED' && isOwnedBy(other.metadata, uid)) later(0, settle)
    })
    later(0, () => {
      for (const other of owned()) {
        const otherKind = kindOf(other)
        if (otherKind) end(otherKind, other, graceOf(other), 'Foreground')
      }
    })
    return ending

    function settle(): void {
      const current = store.find(kind, namespace, name)
      if (current?.metadata.uid === uid && owned().length) return
      stop()
      if (current?.metadata.uid !== uid) return
      const left = (current.metadata.finalizers ?? []).filter((finalizer) => finalizer !== FOREGROUND)
      updated(kind, store.update(kind, { ...current, metadata: { ...current.metadata, finalizers: left } }))
    }
  }

  /** Called with each object that a client changed: one that only waited for its finalizers goes. */
  function updated(kind: KindOf, { metadata }: KubeObject): void {
    const current = store.find(kind, metadata.namespace, metadata.name)
    const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = current?.metadata ?? {}
    if (current && deletionTimestamp && !finalizers?.length && deletionGracePeriodSeconds === 0) gone(kind, current)
  }

  function gone(kind: KindOf, object: KubeObject, orphan = false): void {
    const { uid, namespace, name } = object.metadata
    if (store.find(kind, namespace, name)?.metadata.uid !== uid) return
    store.remove(kind, object)
    const defined = object.kind === 'CustomResourceDefinition' ? kindsOfCrd(object) : []
    // Only a namespace or a definition takes along what does not name it as its owner.
    const others = defined.length || kind.plural === 'namespaces' ? store.all() : store.ownedBy(uid ?? '')
    for (const other of others) {
      const references = other.metadata.ownerReferences ?? []
      const owned = references.some((reference) => reference.uid === uid) && !orphan
      // An object with another owner that is still there stays.
      const kept = references.some((reference) => reference.uid !== uid && store.withUid(reference.uid) !== undefined)
      const inside = kind.plural === 'namespaces' && other.metadata.namespace === name
      const custom = defined.some((each) => each.kind === other.kind && apiVersion(each) === other.apiVersion)
      const otherKind = (owned && !kept) || inside || custom ? kindOf(other) : undefined
      if (otherKind) end(otherKind, other, 0)
    }
    for (const { group, plural } of defined)
      kinds.splice(0, kinds.length, ...kinds.filter((each) => each.group !== group || each.plural !== plural))
    if (object.kind === 'Pod') replace(kind, object)
  }

  const { replace } = runControllers({ store, kindOf, later, replaceDelay, starts })

  return { created, define, end, updated, kindOf, starts }
}

const isRunning = ({ spec, status }: KubeObject) =>
  spec?.['nodeName'] !== undefined && !['Succeeded', 'Failed'].includes(String(status?.['phase']))
