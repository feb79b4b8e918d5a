import { applyPatch, type Operation } from 'rfc6902'
import type { KindOf } from './kinds.ts'
import { isMap, mergePatch, strategicMerge } from './merge.ts'
import type { KubeObject } from './objects.ts'
import { ApiError, badRequest, invalid, unsupportedMediaType, wrongValue } from './status.ts'

export const APPLY = 'application/apply-patch+yaml'

type Patch = (object: KubeObject, patch: unknown) => KubeObject

const PATCHES: Readonly<Record<string, Patch>> = {
  'application/json-patch+json': jsonPatch,
  'application/merge-patch+json': (object, patch) => mergePatch(object, mapOf(patch)) as KubeObject,
  'application/strategic-merge-patch+json': (object, patch) => strategicMerge(object, mapOf(patch)) as KubeObject,
}

/** The patch of a content type. Custom kinds have no strategic merge. @throws ApiError 415 */
export function patchOf(contentType: string, { custom = false }: KindOf): Patch {
  const types = Object.keys(PATCHES).filter((type) => !custom || !type.includes('strategic'))
  const patch = types.includes(contentType) ? PATCHES[contentType] : undefined
  if (patch) return patch
  if (contentType in PATCHES) throw unsupportedMediaType([...types, APPLY])
  throw new ApiError({
    code: 415,
    reason: 'UnsupportedMediaType',
    message: '415: Unsupported Media Type',
    details: {},
  })
}

function mapOf(patch: unknown): unknown {
  if (!isMap(patch)) throw badRequest('error decoding patch: the patch is no object')
  return patch
}

function jsonPatch(object: KubeObject, patch: unknown): KubeObject {
  if (!Array.isArray(patch))
    throw badRequest('error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp')
  const copy = structuredClone(object)
  const failed = applyPatch(copy, patch as Operation[]).some((error) => error !== null)
  // The API server does not say which operation failed.
  if (failed)
    throw new ApiError({
      code: 422,
      reason: 'Invalid',
      message: 'the server rejected our request due to an error in our request',
      details: {},
    })
  return copy
}

/** A write may not change what names an object, nor its identity. */
export function checkIdentity(kind: KindOf, before: KubeObject, { metadata }: KubeObject): void {
  checkPlace(before.metadata.name, before.metadata.namespace, metadata)
  if (metadata.uid !== undefined && metadata.uid !== before.metadata.uid)
    throw invalid(kind, before.metadata.name, [wrongValue('metadata.uid', metadata.uid, 'field is immutable')])
}

/** What an object says of its name and namespace must be what the URL says. */
export function checkPlace(
  name: string,
  namespace: string | undefined,
  metadata: Partial<KubeObject['metadata']>,
): void {
  if (metadata.name !== name)
    throw badRequest(`the name of the object (${metadata.name ?? ''}) does not match the name on the URL (${name})`)
  checkNamespace(namespace, metadata.namespace)
}

export function checkNamespace(asked: string | undefined, said: string | undefined): void {
  if (said && said !== asked)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
}
