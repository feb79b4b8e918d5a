import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { apiVersion, type KindOf } from './kinds.ts'
import { ObjectsIndex } from './objects-index.ts'
import type { KubeObject, Meta } from './objects.ts'
import { alreadyExists, conflict, notFound } from './status.ts'

export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly kind: KindOf
  readonly object: KubeObject
  /** What it was before, so that a watch with a selector can tell what comes into its sight and what leaves it. */
  readonly before: KubeObject | undefined
  readonly version: number
}

/** How many changes a watch can go back; one that wants more is told 410. */
const HISTORY = 5_000

/** All objects, with one resource version for all of them, as etcd counts. */
export class Store {
  readonly #objects = new ObjectsIndex()
  readonly #watchers = new Set<(change: Change) => void>()
  #history: Change[] = []
  #version = 100

  get version(): number {
    return this.#version
  }

  find(kind: KindOf, namespace: string | undefined, name: string): KubeObject | undefined {
    return this.#objects.find(kind, namespace, name)
  }

  get(kind: KindOf, namespace: string | undefined, name: string): KubeObject {
    const found = this.find(kind, namespace, name)
    if (!found) throw notFound(kind, name)
    return found
  }

  list(kind: KindOf, namespace?: string): KubeObject[] {
    return this.#objects.list(kind, namespace)
  }

  all(): KubeObject[] {
    return this.#objects.all()
  }

  withUid(uid: string): KubeObject | undefined {
    return this.#objects.withUid(uid)
  }

  /** What names this UID among its owners. */
  ownedBy(uid: string): KubeObject[] {
    return this.#objects.ownedBy(uid)
  }

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
        generation: metadata.generation ?? 1,
      },
    }
    return dryRun ? created : this.#put('ADDED', kind, created)
  }

  /** The stored form of an object that is to be replaced. @throws ApiError 404, or 409 where it was another or has changed */
  current(kind: KindOf, object: KubeObject): KubeObject {
    const { name, namespace, resourceVersion } = object.metadata
    const before = this.get(kind, namespace, name)
    if (resourceVersion && resourceVersion !== before.metadata.resourceVersion)
      throw conflict(
        kind,
        name,
        'the object has been modified; please apply your changes to the latest version and try again',
      )
    const { uid } = before.metadata
    if (object.metadata.uid !== undefined && object.metadata.uid !== uid)
      throw conflict(
        kind,
        name,
        `Precondition failed: UID in precondition: ${object.metadata.uid}, UID in object meta: ${uid}`,
      )
    return before
  }

  /**
   * Replaces an object. A resource version or UID that is not the stored one is a conflict; what the API server alone
   * writes (UID, times, generation) stays, and only `ending` tells when the object is to be gone.
   */
  update(
    kind: KindOf,
    object: KubeObject,
    dryRun = false,
    ending: Pick<Meta, 'deletionTimestamp' | 'deletionGracePeriodSeconds'> = {},
  ): KubeObject {
    const before = this.current(kind, object)
    const { uid, creationTimestamp } = before.metadata
    const { deletionTimestamp, deletionGracePeriodSeconds } = { ...before.metadata, ...ending }
    const updated: KubeObject = {
      ...object,
      apiVersion: apiVersion(kind),
      kind: kind.kind,
      metadata: {
        ...object.metadata,
        ...(before.metadata.resourceVersion && { resourceVersion: before.metadata.resourceVersion }),
        ...(uid && { uid }),
        ...(creationTimestamp && { creationTimestamp }),
        ...(deletionTimestamp && { deletionTimestamp }),
        ...(deletionGracePeriodSeconds !== undefined && { deletionGracePeriodSeconds }),
        generation: (before.metadata.generation ?? 1) + (isDeepStrictEqual(before.spec, object.spec) ? 0 : 1),
      },
    }
    if (dryRun || isDeepStrictEqual(before, updated)) return updated
    return this.#put('MODIFIED', kind, updated, before)
  }

  remove(kind: KindOf, object: KubeObject): void {
    const { namespace, name } = object.metadata
    const before = this.find(kind, namespace, name)
    if (!before || before.metadata.uid !== object.metadata.uid) return
    this.#objects.remove(kind, before)
    // As the API server tells it: at the version of the deletion, so that a watch can go on from there.
    const last = { ...before, metadata: { ...before.metadata, resourceVersion: String(this.#version + 1) } }
    this.#tell('DELETED', kind, last, before)
  }

  /** Tells changes from a version on; undefined where the history does not go back so far. */
  watch(from: number, told: (change: Change) => void): (() => void) | undefined {
    const oldest = this.#history[0]?.version ?? this.#version + 1
    if (from > 0 && from + 1 < oldest) return undefined
    if (from > 0) for (const change of this.#history) if (change.version > from) told(change)
    return this.follow(told)
  }

  /** Tells changes from now on, each before it is answered. */
  follow(told: (change: Change) => void): () => void {
    this.#watchers.add(told)
    return () => this.#watchers.delete(told)
  }

  #put(type: Change['type'], kind: KindOf, object: KubeObject, before?: KubeObject): KubeObject {
    const stored = structuredClone(object)
    stored.metadata.resourceVersion = String(this.#version + 1)
    this.#objects.put(kind, stored)
    this.#tell(type, kind, stored, before)
    return stored
  }

  #tell(type: Change['type'], kind: KindOf, object: KubeObject, before: KubeObject | undefined): void {
    const change = { type, kind, object, before, version: ++this.#version }
    this.#history.push(change)
    if (this.#history.length > HISTORY * 2) this.#history = this.#history.slice(-HISTORY)
    for (const watcher of this.#watchers) watcher(change)
  }
}

/** Kubernetes writes times of metadata to the second. */
export const secondsNow = () => new Date().toISOString().replace(/\.\d+Z$/, 'Z')
