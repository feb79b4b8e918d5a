import { badRequest, ApiError } from './status.ts'
import { fieldsOf, pathsOf, remove, treeOf, written, type Fields } from './fields.ts'
import { isMap, strategicMerge } from './merge.ts'
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
  const entries = ownersOf(before)
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

/** Fields of an object that was seeded belong to whoever made it, by the name that the API server gives for that. */
function ownersOf(before: KubeObject | undefined): readonly Managed[] {
  const entries = managedOf(before)
  if (!before || entries.length) return entries
  return [entryOf(before, 'before-first-apply', 'Update', fieldsOf(before))]
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

const order = (a: string, b: string) => (a < b ? -1 : Number(a > b))

function conflictOf(conflicts: readonly { entry: Managed; field: string }[]): ApiError {
  const name = ({ manager, operation, apiVersion, subresource }: Managed) =>
    operation === 'Apply'
      ? `"${manager}"`
      : `"${manager}"${subresource ? ` with subresource "${subresource}"` : ''} using ${apiVersion}`
  const named = conflicts
    .map(({ entry, field }) => ({ who: name(entry), field }))
    .toSorted((a, b) => (a.who === b.who ? order(a.field, b.field) : order(a.who, b.who)))
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

/** @throws ApiError 400 where what is to be applied does not say what it is. */
export function checkApplied(body: unknown): void {
  const { apiVersion = '/', kind = '' } = (isMap(body) ? body : {}) as { apiVersion?: string; kind?: string }
  if (apiVersion === '/' || !kind) throw badRequest(`invalid object type: ${apiVersion}, Kind=${kind}`)
  const { metadata } = body as Partial<KubeObject>
  if (metadata?.managedFields) throw badRequest('metadata.managedFields must be nil')
}
