import { badRequest, ApiError } from './status.ts'
import { isMap, MERGE_KEYS, strategicMerge } from './merge.ts'
import type { Json, KubeObject } from './objects.ts'
import { secondsNow } from './store.ts'

/** An entry of metadata.managedFields. */
interface Managed {
  readonly manager: string
  readonly operation: 'Apply' | 'Update'
  readonly apiVersion: string
  readonly time: string
  readonly fieldsType: 'FieldsV1'
  readonly fieldsV1: Json
  readonly subresource?: string
}

/** A field by its way from the top, each step as FieldsV1 writes it: `f:data`, `k:{"name":"a"}`. */
type Path = readonly string[]
type Fields = Map<string, { readonly path: Path; readonly value: unknown }>

const managedOf = (object: KubeObject | undefined) => (object?.metadata.managedFields ?? []) as unknown as Managed[]

/**
 * Server-side apply: creates or merges what is given, takes away what this manager alone applied before and now leaves
 * out, and refuses to change a field that another manager owns, unless forced. Approximate: lists are merged by the
 * keys in merge.ts and are one field otherwise; there is no schema.
 */
export function apply(
  before: KubeObject | undefined,
  applied: KubeObject,
  manager: string,
  force: boolean,
): KubeObject {
  const fields = fieldsOf(applied)
  const entries = managedOf(before)
  const isOwn = (entry: Managed) => entry.manager === manager && entry.operation === 'Apply'
  const current = before ? fieldsOf(before) : new Map<string, never>()
  const changed = [...fields.keys()].filter(
    (key) => current.has(key) && JSON.stringify(current.get(key)?.value) !== JSON.stringify(fields.get(key)?.value),
  )
  const others = entries.filter((entry) => !isOwn(entry))
  const conflicts = others.flatMap((entry) => {
    const owned = pathsOf(entry.fieldsV1)
    return changed
      .filter((key) => owned.has(key))
      .map((key) => ({ entry, field: written(fields.get(key)?.path ?? []) }))
  })
  if (conflicts.length && !force) throw conflictOf(conflicts)

  const kept = others.map((entry) => (force ? without(entry, changed) : entry)).filter((entry) => entry !== undefined)
  const base = structuredClone(before ?? { metadata: { name: applied.metadata.name } })
  const heldByOthers = new Set(kept.flatMap((entry) => [...pathsOf(entry.fieldsV1).keys()]))
  for (const [key, path] of pathsOf(entries.find(isOwn)?.fieldsV1 ?? {}))
    if (!fields.has(key) && !heldByOthers.has(key)) remove(base, path)
  const merged = strategicMerge(base, applied) as KubeObject
  return withManaged(merged, [...kept, entryOf(merged, manager, 'Apply', fields)])
}

/** Writes down who changed what by a create, an update or a patch, and takes it from those who had it. */
export function manage(
  before: KubeObject | undefined,
  after: KubeObject,
  manager: string,
  subresource?: string,
): KubeObject {
  const current = before ? fieldsOf(before) : new Map<string, never>()
  const fields = fieldsOf(after)
  const changed = [...fields].filter(
    ([key, { value }]) => JSON.stringify(current.get(key)?.value) !== JSON.stringify(value) || !current.has(key),
  )
  const gone = [...current.keys()].filter((key) => !fields.has(key))
  const mine = new Set(changed.map(([key]) => key))
  if (!mine.size && !gone.length) return withManaged(after, managedOf(before))
  const isOwn = (entry: Managed) =>
    entry.manager === manager && entry.operation === 'Update' && entry.subresource === subresource
  const entries = managedOf(before)
  const own = pathsOf(entries.find(isOwn)?.fieldsV1 ?? {})
  const now: Fields = new Map([...fields].filter(([key]) => own.has(key) || mine.has(key)))
  const kept = entries
    .filter((entry) => !isOwn(entry))
    .map((entry) => without(entry, [...mine, ...gone]))
    .filter((entry) => entry !== undefined)
  return withManaged(after, now.size ? [...kept, entryOf(after, manager, 'Update', now, subresource)] : kept)
}

const withManaged = (object: KubeObject, entries: readonly Managed[]): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, managedFields: entries as unknown as Json[] },
})

const entryOf = (
  { apiVersion = '' }: KubeObject,
  manager: string,
  operation: Managed['operation'],
  fields: Fields,
  subresource?: string,
): Managed => ({
  manager,
  operation,
  apiVersion,
  time: secondsNow(),
  fieldsType: 'FieldsV1',
  fieldsV1: treeOf([...fields.values()].map(({ path }) => path)),
  ...(subresource && { subresource }),
})

function without(entry: Managed, keys: readonly string[]): Managed | undefined {
  const owned = pathsOf(entry.fieldsV1)
  for (const key of keys) owned.delete(key)
  return owned.size ? { ...entry, fieldsV1: treeOf([...owned.values()]) } : undefined
}

function conflictOf(conflicts: readonly { entry: Managed; field: string }[]): ApiError {
  const name = ({ manager, operation, apiVersion, subresource }: Managed) =>
    operation === 'Apply'
      ? `"${manager}"`
      : `"${manager}"${subresource ? ` with subresource "${subresource}"` : ''} using ${apiVersion}`
  const named = conflicts.map(({ entry, field }) => ({ who: name(entry), field }))
  const lines = [...new Set(named.map(({ who }) => who))].toSorted().map((who) => {
    const fields = named.filter((one) => one.who === who).map(({ field }) => `- ${field}`)
    return [`conflicts with ${who}:`, ...fields].join('\n')
  })
  const [{ who, field } = { who: '', field: '' }] = named
  const said =
    named.length === 1 ? `1 conflict: conflict with ${who}: ${field}` : `${named.length} conflicts: ${lines.join('\n')}`
  return new ApiError({
    code: 409,
    reason: 'Conflict',
    message: `Apply failed with ${said}`,
    details: {
      causes: named.map(({ who, field }) => ({
        reason: 'FieldManagerConflict',
        message: `conflict with ${who}`,
        field,
      })),
    },
  })
}

/** What the API server writes itself, or what names the object: nobody's. */
const NOBODYS = new Set(['apiVersion', 'kind'])
const OWNABLE_META = new Set(['labels', 'annotations', 'finalizers', 'ownerReferences', 'generateName'])

/** Every leaf of an object. An item of a list that merges by key is told apart by its key. */
function fieldsOf(object: KubeObject): Fields {
  const found: Fields = new Map()
  const add = (path: Path, value: unknown) => found.set(JSON.stringify(path), { path, value })
  const walk = (value: unknown, path: Path, field: string): void => {
    const key = MERGE_KEYS[field]
    if (Array.isArray(value) && key !== undefined && value.every((item) => isMap(item) && item[key] !== undefined))
      for (const item of value as Json[]) walk(item, [...path, `k:${JSON.stringify({ [key]: item[key] })}`], '')
    else if (isMap(value) && Object.keys(value).length)
      for (const [name, inner] of Object.entries(value)) {
        if (path.length === 0 && NOBODYS.has(name)) continue
        if (path.length === 1 && path[0] === 'f:metadata' && !OWNABLE_META.has(name)) continue
        walk(inner, [...path, `f:${name}`], name)
      }
    else if (path.length > 1 || !isMap(value)) add(path, value)
  }
  walk(object, [], '')
  return found
}

function treeOf(paths: readonly Path[]): Json {
  const tree: Json = {}
  for (const path of paths) {
    let at = tree
    for (const step of path) at = (at[step] ??= {}) as Json
  }
  return tree
}

function pathsOf(tree: Json, path: Path = [], found = new Map<string, Path>()): Map<string, Path> {
  const steps = Object.entries(tree)
  if (!steps.length && path.length) found.set(JSON.stringify(path), path)
  for (const [step, inner] of steps) pathsOf(inner as Json, [...path, step], found)
  return found
}

/** Takes a field away, and an item of a list with its last field but the key. */
function remove(at: unknown, [step = '', ...rest]: Path): void {
  if (step.startsWith('k:') && Array.isArray(at)) {
    const [[key, value] = ['', undefined]] = Object.entries(JSON.parse(step.slice(2)) as Json)
    const place = at.findIndex((item) => isMap(item) && item[key] === value)
    if (place < 0) return
    if (rest.length === 1 && rest[0] === `f:${key}`) at.splice(place, 1)
    else remove(at[place], rest)
  } else if (isMap(at)) {
    const name = step.slice(2)
    if (rest.length) remove(at[name], rest)
    else delete at[name]
  }
}

/** `.spec.containers[name="a"].image`, as conflicts name a field. */
const written = (path: Path) =>
  path
    .map((step) => {
      if (step.startsWith('f:')) return `.${step.slice(2)}`
      const [[key, value] = []] = Object.entries(JSON.parse(step.slice(2)) as Json)
      return `[${key}=${JSON.stringify(value)}]`
    })
    .join('')

/** @throws ApiError 400 where what is to be applied does not say what it is. */
export function checkApplied(body: unknown): void {
  const { apiVersion = '/', kind = '' } = (isMap(body) ? body : {}) as { apiVersion?: string; kind?: string }
  if (apiVersion === '/' || !kind) throw badRequest(`invalid object type: ${apiVersion}, Kind=${kind}`)
}
