import { applyPatch, type Operation } from 'rfc6902'
import type { Json, KubeObject } from './objects.ts'
import { ApiError, invalid } from './status.ts'

/** Lists that a strategic merge takes item by item, and the key that tells items apart. */
const MERGE_KEYS: Record<string, string> = {
  containers: 'name',
  initContainers: 'name',
  ephemeralContainers: 'name',
  env: 'name',
  volumes: 'name',
  volumeMounts: 'mountPath',
  ports: 'containerPort',
  conditions: 'type',
  ownerReferences: 'uid',
  taints: 'key',
  addresses: 'type',
}

/** The content types of a patch, as the API server knows them. */
export const PATCHES: Record<string, (object: KubeObject, patch: unknown) => KubeObject> = {
  'application/json-patch+json': jsonPatch,
  'application/merge-patch+json': (object, patch) => mergePatch(object, patch) as KubeObject,
  'application/strategic-merge-patch+json': (object, patch) => strategicMerge(object, patch) as KubeObject,
}

function jsonPatch(object: KubeObject, patch: unknown): KubeObject {
  const copy = structuredClone(object)
  const [failed] = applyPatch(copy, patch as Operation[]).filter((error) => error !== null)
  if (failed)
    throw new ApiError({
      code: 422,
      reason: 'Invalid',
      message: `the server rejected our request due to an error in our request: ${failed.message}`,
    })
  return copy
}

const isMap = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

/** RFC 7386. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isMap(patch)) return patch
  const merged: Json = isMap(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch))
    if (value === null) delete merged[key]
    else merged[key] = mergePatch(merged[key], value)
  return merged
}

/** As the merge of RFC 7386, but known lists are merged by the key of their items; `$patch: delete` removes one. */
export function strategicMerge(target: unknown, patch: unknown, field = ''): unknown {
  if (Array.isArray(patch)) return mergeList(Array.isArray(target) ? target : [], patch, MERGE_KEYS[field])
  if (!isMap(patch)) return patch
  const merged: Json = isMap(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch))
    if (value === null) delete merged[key]
    else if (!key.startsWith('$')) merged[key] = strategicMerge(merged[key], value, key)
  return merged
}

function mergeList(target: unknown[], patch: unknown[], by: string | undefined): unknown[] {
  if (by === undefined) return patch
  const merged = [...target]
  for (const item of patch) {
    const place = merged.findIndex((other) => isMap(other) && isMap(item) && other[by] === item[by])
    if (isMap(item) && item['$patch'] === 'delete') {
      if (place >= 0) merged.splice(place, 1)
    } else if (place >= 0) merged[place] = strategicMerge(merged[place], item)
    else merged.push(item)
  }
  return merged
}

/**
 * Server-side apply, in a small honest form: fields are merged as by a strategic merge, what the manager applied before
 * and now leaves out is removed, and a leaf that another manager applied with another value is a conflict, unless forced.
 */
export function serverSideApply(
  before: KubeObject | undefined,
  applied: KubeObject,
  manager: string,
  force: boolean,
): KubeObject {
  const owned = leavesOf(applied)
  const managers = before?.metadata.managedFields ?? []
  const others = managers.filter((entry) => entry['manager'] !== manager)
  for (const entry of others)
    for (const [path, value] of Object.entries((entry['leaves'] ?? {}) as Json))
      if (!force && path in owned && JSON.stringify(owned[path]) !== JSON.stringify(value))
        throw new ApiError({
          code: 409,
          reason: 'Conflict',
          message: `Apply failed with 1 conflict: conflict with "${String(entry['manager'])}": .${path}`,
          details: {
            causes: [
              {
                reason: 'FieldManagerConflict',
                message: `conflict with "${String(entry['manager'])}"`,
                field: `.${path}`,
              },
            ],
          },
        })
  const earlier = (managers.find((entry) => entry['manager'] === manager)?.['leaves'] ?? {}) as Json
  const base = structuredClone(before ?? { metadata: applied.metadata })
  for (const path of Object.keys(earlier)) if (!(path in owned)) removeLeaf(base, path.split('.'))
  const merged = strategicMerge(base, applied) as KubeObject
  const entry = {
    manager,
    operation: 'Apply',
    apiVersion: applied.apiVersion,
    time: new Date().toISOString(),
    fieldsType: 'FieldsV1',
    leaves: owned,
  }
  merged.metadata = { ...merged.metadata, managedFields: [...others, entry] }
  return merged
}

/** Every value of an object by its path; a list is one value. What names the object belongs to nobody. */
function leavesOf(value: unknown, path: readonly string[] = []): Json {
  if (!isMap(value)) return { [path.join('.')]: value }
  return Object.assign(
    {},
    ...Object.entries(value)
      .filter(([key]) => path.length > 0 || !['apiVersion', 'kind'].includes(key))
      .filter(([key]) => path[0] !== 'metadata' || path.length > 1 || ['labels', 'annotations'].includes(key))
      // A label's key holds dots: it is told apart as it stands.
      .map(([key, inner]) => leavesOf(inner, [...path, key.replaceAll('.', '\u0001')])),
  ) as Json
}

function removeLeaf(object: unknown, [head = '', ...rest]: readonly string[]): void {
  const key = head.replaceAll('\u0001', '.')
  if (!isMap(object)) return
  if (rest.length) removeLeaf(object[key], rest)
  else delete object[key]
}

/** A patch may not change what names an object. */
export function checkIdentity(before: KubeObject, after: KubeObject, kind: string): void {
  if (
    after.metadata?.name !== before.metadata.name ||
    (after.metadata.namespace ?? '') !== (before.metadata.namespace ?? '')
  )
    throw invalid(kind, before.metadata.name, [
      { field: 'metadata.name', reason: 'FieldValueInvalid', message: 'Invalid value: field is immutable' },
    ])
  if (after.metadata.uid !== undefined && after.metadata.uid !== before.metadata.uid)
    throw invalid(kind, before.metadata.name, [
      { field: 'metadata.uid', reason: 'FieldValueInvalid', message: 'Invalid value: field is immutable' },
    ])
}
