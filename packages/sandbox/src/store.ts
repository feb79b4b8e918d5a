import { randomUUID } from 'node:crypto'
import { apiVersion, counted, type KindOf } from './kinds.ts'
import { secondsNow, type KubeObject } from './objects.ts'
import { alreadyExists, conflict, notFound } from './status.ts'

/** An object with its kind. */
export interface Entry {
  readonly kind: KindOf
  readonly object: KubeObject
}

export interface Change extends Entry {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  /** What the object was, where it was. */
  readonly before: KubeObject | undefined
  readonly version: number
}

/** All objects, with one resource version for all of them, as etcd counts. What it gives out is not to be changed. */
export class Store {
  readonly #tables = new Map<string, Map<string, Entry>>()
  /** By the UID of an owner: what says that it is owned, by its own UID. */
  readonly #owned = new Map<string, Map<string, Entry>>()
  readonly #watchers = new Set<(change: Change) => void>()
  readonly #kept: number
  #history: Change[] = []
  #version = 100
  #forgotten = 100

  /** @param kept how many changes a watch can go back; one that wants more is told 410 */
  constructor(kept = 5_000) {
    this.#kept = kept
  }

  get version(): number {
    return this.#version
  }

  find(kind: KindOf, namespace: string | undefined, name: string): KubeObject | undefined {
    return this.#tables.get(tableOf(kind))?.get(keyOf(namespace, name))?.object
  }

  /** @throws ApiError where there is none */
  get(kind: KindOf, namespace: string | undefined, name: string): KubeObject {
    const found = this.find(kind, namespace, name)
    if (!found) throw notFound(kind, name)
    return found
  }

  list(kind: KindOf, namespace?: string): KubeObject[] {
    const entries = this.#tables.get(tableOf(kind))?.values() ?? []
    const objects = Array.from(entries, ({ object }) => object)
    return namespace === undefined ? objects : objects.filter(({ metadata }) => metadata.namespace === namespace)
  }

  /** Everything in a namespace. */
  inside(namespace: string): Entry[] {
    const all = [...this.#tables.values()].flatMap((table) => [...table.values()])
    return all.filter(({ object }) => object.metadata.namespace === namespace)
  }

  /** What names this UID among its owners. */
  ownedBy(uid = ''): Entry[] {
    return [...(this.#owned.get(uid)?.values() ?? [])]
  }

  /** Keeps a new object. What it says of its UID and age is believed: clients' words are to be dropped before. */
  create(kind: KindOf, object: KubeObject, dryRun = false): KubeObject {
    const { metadata } = object
    if (this.find(kind, metadata.namespace, metadata.name)) throw alreadyExists(kind, metadata.name)
    const created: KubeObject = {
      ...object,
      apiVersion: apiVersion(kind),
      kind: kind.kind,
      metadata: {
        ...metadata,
        uid: metadata.uid ?? randomUUID(),
        creationTimestamp: metadata.creationTimestamp ?? secondsNow(),
        ...(counted(kind) && { generation: 1 }),
      },
    }
    return dryRun ? created : this.#put('ADDED', kind, created)
  }

  /** Replaces an object. A resource version that is not the stored one is a conflict. */
  update(kind: KindOf, object: KubeObject, dryRun = false): KubeObject {
    const { name, namespace, resourceVersion } = object.metadata
    const before = this.get(kind, namespace, name)
    const stored = before.metadata
    if (resourceVersion && resourceVersion !== stored.resourceVersion)
      throw conflict(
        kind,
        name,
        'the object has been modified; please apply your changes to the latest version and try again',
      )
    const ending = object.metadata.deletionTimestamp !== undefined && stored.deletionTimestamp === undefined
    const steps = ending || !same(before.spec, object.spec) ? 1 : 0
    const updated: KubeObject = {
      ...object,
      apiVersion: apiVersion(kind),
      kind: kind.kind,
      metadata: {
        ...object.metadata,
        ...(stored.uid && { uid: stored.uid }),
        ...(stored.creationTimestamp && { creationTimestamp: stored.creationTimestamp }),
        ...(stored.resourceVersion && { resourceVersion: stored.resourceVersion }),
        ...(counted(kind) && { generation: (stored.generation ?? 1) + steps }),
      },
    }
    if (dryRun) return updated
    return same(before, updated) ? before : this.#put('MODIFIED', kind, updated)
  }

  /** Removes an object, unless another took its place. */
  remove(kind: KindOf, { metadata }: KubeObject): void {
    const table = this.#tables.get(tableOf(kind))
    const key = keyOf(metadata.namespace, metadata.name)
    const entry = table?.get(key)
    if (!table || !entry || entry.object.metadata.uid !== metadata.uid) return
    table.delete(key)
    this.#own(entry, undefined)
    const last = { ...entry.object, metadata: { ...entry.object.metadata, resourceVersion: this.#next() } }
    this.#tell({ type: 'DELETED', kind, object: last, before: entry.object, version: this.#version })
  }

  /** Calls with each change from now on, before the change is answered. */
  follow(told: (change: Change) => void): () => void {
    this.#watchers.add(told)
    return () => this.#watchers.delete(told)
  }

  /** As `follow`, from a version on; undefined where the history does not go back so far. */
  watch(from: number, told: (change: Change) => void): (() => void) | undefined {
    if (from < this.#forgotten) return undefined
    for (const change of this.#history) if (change.version > from) told(change)
    return this.follow(told)
  }

  /** Forgets the history, as etcd's compaction does. */
  compact(): void {
    this.#history = []
    this.#forgotten = this.#version
  }

  #put(type: Change['type'], kind: KindOf, object: KubeObject): KubeObject {
    const stored = structuredClone(object)
    const { namespace, name } = stored.metadata
    stored.metadata.resourceVersion = this.#next()
    const table = this.#tables.get(tableOf(kind)) ?? new Map<string, Entry>()
    this.#tables.set(tableOf(kind), table)
    const before = table.get(keyOf(namespace, name))
    const entry = { kind, object: stored }
    table.set(keyOf(namespace, name), entry)
    this.#own(before, entry)
    this.#tell({ type, kind, object: stored, before: before?.object, version: this.#version })
    return stored
  }

  #own(before: Entry | undefined, after: Entry | undefined): void {
    for (const { uid } of before?.object.metadata.ownerReferences ?? []) {
      const owned = this.#owned.get(uid)
      owned?.delete(before?.object.metadata.uid ?? '')
      if (owned?.size === 0) this.#owned.delete(uid)
    }
    for (const { uid } of after?.object.metadata.ownerReferences ?? []) {
      const owned = this.#owned.get(uid) ?? new Map<string, Entry>()
      this.#owned.set(uid, owned)
      if (after) owned.set(after.object.metadata.uid ?? '', after)
    }
  }

  #next(): string {
    this.#version++
    return String(this.#version)
  }

  #tell(change: Change): void {
    this.#history.push(change)
    if (this.#history.length > this.#kept * 2) {
      this.#history = this.#history.slice(-this.#kept)
      this.#forgotten = (this.#history[0]?.version ?? 1) - 1
    }
    for (const watcher of this.#watchers) watcher(change)
  }
}

const tableOf = ({ group, plural }: KindOf) => `${group}/${plural}`
const keyOf = (namespace: string | undefined, name: string) => `${namespace ?? ''}/${name}`
const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)
