import type { KindOf } from './kinds.ts'
import type { KubeObject } from './objects.ts'

/** Objects by resource and name, by UID, and by the UIDs of their owners: a deletion must not look at each of thousands. */
export class ObjectsIndex {
  readonly #tables = new Map<string, Map<string, KubeObject>>()
  readonly #byUid = new Map<string, KubeObject>()
  readonly #owned = new Map<string, Map<string, KubeObject>>()

  find(kind: KindOf, namespace: string | undefined, name: string): KubeObject | undefined {
    return this.#tables.get(tableOf(kind))?.get(keyOf(namespace, name))
  }

  /** By namespace and name, as etcd keeps them. */
  list(kind: KindOf, namespace: string | undefined): KubeObject[] {
    const prefix = namespace === undefined ? '' : `${namespace}/`
    return [...(this.#tables.get(tableOf(kind)) ?? [])]
      .filter(([key]) => key.startsWith(prefix))
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([, object]) => object)
  }

  all(): KubeObject[] {
    return [...this.#byUid.values()]
  }

  withUid(uid: string): KubeObject | undefined {
    return this.#byUid.get(uid)
  }

  ownedBy(uid: string): KubeObject[] {
    return [...(this.#owned.get(uid)?.values() ?? [])]
  }

  put(kind: KindOf, object: KubeObject): void {
    const { namespace, name, uid = '', ownerReferences = [] } = object.metadata
    this.#forget(this.find(kind, namespace, name))
    const table = this.#tables.get(tableOf(kind)) ?? new Map<string, KubeObject>()
    this.#tables.set(tableOf(kind), table.set(keyOf(namespace, name), object))
    this.#byUid.set(uid, object)
    for (const owner of ownerReferences) {
      const owned = this.#owned.get(owner.uid) ?? new Map<string, KubeObject>()
      this.#owned.set(owner.uid, owned.set(uid, object))
    }
  }

  remove(kind: KindOf, object: KubeObject): void {
    const { namespace, name } = object.metadata
    this.#forget(object)
    this.#tables.get(tableOf(kind))?.delete(keyOf(namespace, name))
  }

  #forget(object: KubeObject | undefined): void {
    const { uid = '', ownerReferences = [] } = object?.metadata ?? {}
    this.#byUid.delete(uid)
    for (const owner of ownerReferences) {
      const owned = this.#owned.get(owner.uid)
      owned?.delete(uid)
      if (owned?.size === 0) this.#owned.delete(owner.uid)
    }
  }
}

const tableOf = ({ group, plural }: KindOf) => `${group}/${plural}`
const keyOf = (namespace: string | undefined, name: string) => `${namespace ?? ''}/${name}`
