import { countsOf } from './counts.ts'
import type { KindOf } from './kinds.ts'
import type { KubeObject } from './objects.ts'
import { runPod } from './pods.ts'
import type { StartScript } from './script.ts'
import type { Store } from './store.ts'
import { replacementOf } from './workloads.ts'

export interface ControllersOptions {
  readonly store: Store
  readonly kindOf: (object: KubeObject) => KindOf | undefined
  readonly later: (delay: number, work: () => void) => void
  /** Milliseconds until a pod that is gone is replaced. */
  readonly replaceDelay: number
  readonly starts: StartScript | undefined
}

const REPLACING = new Set(['ReplicaSet', 'StatefulSet', 'DaemonSet'])

/** What controllers of workloads do: they replace pods that are gone, and count those that are there. */
export function runControllers({ store, kindOf, later, replaceDelay, starts }: ControllersOptions) {
  // Controllers count a moment after a pod, or a set, has changed; once for all changes of that moment.
  const counting = new Set<string>()
  store.follow(({ object }) => {
    const uid = object.metadata.ownerReferences?.find(({ controller }) => controller)?.uid
    if (uid === undefined || counting.has(uid) || !(object.kind === 'Pod' || object.kind === 'ReplicaSet')) return
    counting.add(uid)
    later(0, () => {
      counting.delete(uid)
      count(uid)
    })
  })

  function count(uid: string): void {
    const owner = store.withUid(uid)
    const kind = owner && kindOf(owner)
    const counts = owner && countsOf(owner, store.ownedBy(uid))
    if (kind && counts) store.update(kind, { ...owner, status: { ...owner.status, ...counts } })
  }

  /** The node of the pod before, or another that takes pods; none where all are cordoned. A DaemonSet's pod does not mind. */
  function nodeFor({ spec }: KubeObject, owner: KubeObject): string | undefined {
    const before = spec?.['nodeName'] as string | undefined
    const nodes = kindOf({ apiVersion: 'v1', kind: 'Node', metadata: { name: '' } })
    const open = (nodes ? store.list(nodes) : []).filter((object) => !object.spec?.['unschedulable'])
    const names = open.map(({ metadata }) => metadata.name)
    return owner.kind === 'DaemonSet' || names.includes(before ?? '') ? before : names[0]
  }

  function replace(kind: KindOf, object: KubeObject): void {
    const reference = object.metadata.ownerReferences?.find(({ controller }) => controller)
    if (!reference || !REPLACING.has(reference.kind)) return
    later(replaceDelay, () => {
      const owner = store.withUid(reference.uid)
      if (!owner || owner.metadata.deletionTimestamp) return
      const next = runPod(replacementOf(object, owner, nodeFor(object, owner)), starts)
      if (!store.find(kind, next.metadata.namespace, next.metadata.name)) store.create(kind, next)
    })
  }

  return { replace }
}

export const isOwnedBy = ({ ownerReferences = [] }: KubeObject['metadata'], uid: string) =>
  ownerReferences.some((reference) => reference.uid === uid)
