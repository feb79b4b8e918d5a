import type { Json } from './objects.ts'

/** Lists that are merged item by item, and the key that tells items apart. The API server reads this from its schema. */
export const MERGE_KEYS: Readonly<Record<string, string>> = {
  containers: 'name',
  initContainers: 'name',
  ephemeralContainers: 'name',
  env: 'name',
  volumes: 'name',
  volumeMounts: 'mountPath',
  imagePullSecrets: 'name',
  conditions: 'type',
  ownerReferences: 'uid',
  taints: 'key',
  addresses: 'type',
}

export const isMap = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** RFC 7386. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isMap(patch)) return patch
  const merged: Json = isMap(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch))
    if (value === null) delete merged[key]
    else merged[key] = mergePatch(merged[key], value)
  return merged
}

/**
 * As the merge of RFC 7386, but the lists of MERGE_KEYS are merged by the key of their items. Directives:
 * `$patch: delete` removes an item, `$patch: replace` replaces a map or a list; `$deleteFromPrimitiveList/<field>`
 * removes texts; other directives are left out.
 */
export function strategicMerge(target: unknown, patch: unknown, field = ''): unknown {
  if (Array.isArray(patch)) return mergeList(Array.isArray(target) ? target : [], patch, MERGE_KEYS[field])
  if (!isMap(patch)) return patch
  if (patch['$patch'] === 'replace') return withoutDirectives(patch)
  const merged: Json = isMap(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    const [, list = ''] = /^\$deleteFromPrimitiveList\/(.*)$/.exec(key) ?? []
    if (list && Array.isArray(merged[list]) && Array.isArray(value))
      merged[list] = merged[list].filter((item) => !value.includes(item))
    else if (key === 'finalizers' && Array.isArray(value))
      merged[key] = [...new Set([...(Array.isArray(merged[key]) ? merged[key] : []), ...(value as unknown[])])]
    else if (value === null) delete merged[key]
    else if (!key.startsWith('$')) merged[key] = strategicMerge(merged[key], value, key)
  }
  return merged
}

function mergeList(target: unknown[], patch: unknown[], by: string | undefined): unknown[] {
  if (by === undefined) return patch
  if (patch.some((item) => isMap(item) && item['$patch'] === 'replace'))
    return patch.filter((item) => !(isMap(item) && item['$patch'] === 'replace'))
  const merged = [...target]
  const fresh: unknown[] = []
  for (const item of patch) {
    const place = merged.findIndex((other) => isMap(other) && isMap(item) && other[by] === item[by])
    if (isMap(item) && item['$patch'] === 'delete') {
      if (place >= 0) merged.splice(place, 1)
    } else if (place >= 0) merged[place] = strategicMerge(merged[place], item)
    else fresh.push(strategicMerge({}, item))
  }
  // The API server puts what a patch adds before what was there.
  return [...fresh, ...merged]
}

const withoutDirectives = (map: Json): Json =>
  Object.fromEntries(Object.entries(map).filter(([key]) => !key.startsWith('$')))
