import { randomUUID } from 'node:crypto'
import { apiVersion, type KindOf } from './kinds.ts'
import type { KubeObject } from './objects.ts'
import { alreadyExists, conflict, notFound, qualified } from './status.ts'

export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly kind: KindOf
  readonly object: KubeObject
  readonly version: number
}

/** How many changes a watch can go back; one that wants more is told 410. */
const HISTORY = 5_000

/** All objects, with one resource version for all of them, as etcd counts. */
export class Store {
  readonly #objects = new Map<string, KubeObject>()
  readonly #watchers = new Set<(change: Change) => void>()
  #history: Change[] = []
  #version = 100

  get version(): number {
    return this.#version
  }

  find(kind: KindOf, namespace: string | undefined, name: string): KubeObject | undefined {
    return this.#objects.get(keyOf(kind, namespace, name))
  }

  get(kind: KindOf, namespace: string | undefined, name: string): KubeObject {
    const found = this.find(kind, namespace, name)
    if (!found) throw notFound(qualified(kind.plural, kind.group), name)
    return found
  }

  list(kind: KindOf, namespace?: string): KubeObject[] {
    const prefix = `${kind.group}/${kind.plural}/${namespace === undefined ? '' : `${namespace}/`}`
    return [...this.#objects].filter(([key]) => key.startsWith(prefix)).map(([, object]) => object)
  }

  /** Every object, with its key; for garbage collection. */
  all(): IterableIterator<KubeObject> {
    return this.#objects.values()
  }

  create(kind: KindOf, object: KubeObject, dryRun = false): KubeObject {
    const { metadata } = object
    if (this.find(kind, metadata.namespace, metadata.name))
      throw alreadyExists(qualified(kind.plural, kind.group), metadata.name)
    const created: KubeObject = {
      ...object,
      apiVersion: apiVersion(kind),
      kind: kind.kind,
      metadata: {
        ...metadata,
        uid: metadata.uid ?? randomUUID(),
        creationTimestamp: metadata.creationTimestamp ?? secondsNow(),
        generation: metadata.generation ?? 1,
      },
    }
    return dryRun ? created : this.#put('ADDED', kind, created)
  }

  /** Replaces an object. A resource version that is not the stored one is a conflict. */
  update(kind: KindOf, object: KubeObject, dryRun = false): KubeObject {
    const { name, namespace, resourceVersion } = object.metadata
    const before = this.get(kind, namespace, name)
    if (resourceVersion && resourceVersion !== before.metadata.resourceVersion)
      throw conflict(
        qualified(kind.plural, kind.group),
        name,
        'the object has been modified; please apply your changes to the latest version and try again',
      )
    const { uid, creationTimestamp } = before.metadata
    const updated = {
      ...object,
      apiVersion: apiVersion(kind),
      kind: kind.kind,
      metadata: { ...object.metadata, ...(uid && { uid }), ...(creationTimestamp && { creationTimestamp }) },
    }
    if (dryRun || same(before, updated)) return dryRun ? updated : before
    const generation = (before.metadata.generation ?? 1) + (same(before.spec, updated.spec) ? 0 : 1)
    return this.#put('MODIFIED', kind, { ...updated, metadata: { ...updated.metadata, generation } })
  }

  remove(kind: KindOf, object: KubeObject): void {
    const { namespace, name } = object.metadata
    const key = keyOf(kind, namespace, name)
    if (this.#objects.get(key)?.metadata.uid !== object.metadata.uid) return
    this.#objects.delete(key)
    this.#tell('DELETED', kind, object)
  }

  /** Tells changes from a version on; undefined where the history does not go back so far. */
  watch(from: number, told: (change: Change) => void): (() => void) | undefined {
    const oldest = this.#history[0]?.version ?? this.#version + 1
    if (from > 0 && from + 1 < oldest) return undefined
    if (from > 0) for (const change of this.#history) if (change.version > from) told(change)
    this.#watchers.add(told)
    return () => this.#watchers.delete(told)
  }

  #put(type: Change['type'], kind: KindOf, object: KubeObject): KubeObject {
    const stored = structuredClone(object)
    stored.metadata.resourceVersion = String(this.#version + 1)
    this.#objects.set(keyOf(kind, stored.metadata.namespace, stored.metadata.name), stored)
    this.#tell(type, kind, stored)
    return stored
  }

  #tell(type: Change['type'], kind: KindOf, object: KubeObject): void {
    const change = { type, kind, object, version: ++this.#version }
    this.#history.push(change)
    if (this.#history.length > HISTORY * 2) this.#history = this.#history.slice(-HISTORY)
    for (const watcher of this.#watchers) watcher(change)
  }
}

const keyOf = ({ group, plural }: KindOf, namespace: string | undefined, name: string) =>
  `${group}/${plural}/${namespace ?? ''}/${name}`

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)

/** Kubernetes writes times of metadata to the second. */
export const secondsNow = () => new Date().toISOString().replace(/\.\d+Z$/, 'Z')
