import { createDeletion } from './deletion.ts'
import { apply, checkApplied, manage } from './apply.ts'
import { alive, bare } from './forms.ts'
import { apiVersion, type KindOf } from './kinds.ts'
import type { Json, KubeObject } from './objects.ts'
import { APPLY, checkIdentity, checkNamespace, checkPlace, patchOf } from './patch.ts'
import { checkNewPod, checkPodUpdate } from './pods.ts'
import { checkKind, deleteOptionsOf, isDry, objectOf, optionsInvalid, type Answer, type Call } from './requests.ts'
import { fieldMatcher, matchesLabels } from './selectors.ts'
import { ApiError, conflict, forbidden, methodNotAllowed, notFound } from './status.ts'
import { createSubresources, type SubresourcesOptions } from './subresources.ts'
import { validate } from './validate.ts'
import { suffix } from './workloads.ts'

export interface RoutesOptions extends Pick<SubresourcesOptions, 'store' | 'cluster' | 'log'> {
  readonly kinds: readonly KindOf[]
  /** Whether an access review is answered with yes. */
  readonly allows: (attributes: Json) => boolean
}

/** Answers calls on objects as the API server does. @throws ApiError */
export function createRoutes({ store, kinds, cluster, log, allows }: RoutesOptions) {
  const find = (plural: string, group = '') => kinds.find((kind) => kind.plural === plural && kind.group === group)
  const remove = createDeletion(store, cluster)
  const budgets = () => find('poddisruptionbudgets', 'policy')
  const sub = createSubresources({ store, cluster, log, budgets, remove })

  return function answer(call: Call): Answer {
    const { method, name, subresource, kind, namespace } = call
    if (kind.plural === 'selfsubjectaccessreviews') return review(call)
    if (subresource !== undefined && name !== undefined) return sub(call, subresource, name)
    if (name === undefined) {
      if (method === 'GET') return list(call)
      if (method === 'POST') return create(call)
      if (method === 'DELETE') return removeAll(call)
      throw methodNotAllowed()
    }
    switch (method) {
      case 'GET':
        return { code: 200, body: store.get(kind, namespace, name) }
      case 'PUT':
        return update(call, name)
      case 'PATCH':
        return call.contentType === APPLY ? applyTo(call, name) : patch(call, name)
      case 'DELETE':
        return { code: 200, body: remove(call, store.get(kind, namespace, name), deleteOptionsOf(call)) }
      default:
        throw methodNotAllowed()
    }
  }

  function selected({ kind, namespace, query }: Call): KubeObject[] {
    const fields = fieldMatcher(query.get('fieldSelector'), kind)
    const labels = query.get('labelSelector')
    matchesLabels(labels)
    return store
      .list(kind, namespace)
      .filter((object) => matchesLabels(labels, object.metadata.labels) && fields(object))
  }

  function list(call: Call): Answer {
    const { kind, query } = call
    const all = selected(call)
    const from = Number(query.get('continue') ?? 0)
    const limit = Number(query.get('limit') ?? 0) || all.length
    const left = all.length - from - limit
    const more = left > 0 ? { continue: String(from + limit), remainingItemCount: left } : {}
    const metadata = { resourceVersion: String(store.version), ...more }
    const items = all.slice(from, from + limit).map((object) => (kind.custom ? object : bare(object)))
    return { code: 200, body: { kind: `${kind.kind}List`, apiVersion: apiVersion(kind), metadata, items } }
  }

  function create(call: Call): Answer {
    const { kind, namespace } = call
    const object = objectOf(call)
    const { generateName, namespace: said, resourceVersion, labels } = object.metadata
    const name = object.metadata.name || (generateName ? `${generateName}${suffix()}` : '')
    if (kind.namespaced && namespace === undefined) throw methodNotAllowed()
    if (kind.namespaced) checkNamespace(namespace, said)
    // The API server has no better code for it.
    if (resourceVersion)
      throw new ApiError({ code: 500, message: 'resourceVersion should not be set on objects to be created' })
    const made: KubeObject = {
      ...object,
      apiVersion: apiVersion(kind),
      metadata: {
        ...object.metadata,
        name,
        ...(kind.namespaced && namespace !== undefined && { namespace }),
        ...(kind.kind === 'Namespace' && { labels: { ...labels, 'kubernetes.io/metadata.name': name } }),
      },
    }
    for (const key of ['uid', 'creationTimestamp', 'deletionTimestamp', 'generation', 'managedFields'] as const)
      delete made.metadata[key]
    if (kind.subresources.includes('status')) delete made.status
    return { code: 201, body: add(call, made, call.manager) }
  }

  /** Stores a new object, and lets the cluster do what it does of it. */
  function add(call: Call, made: KubeObject, manager: string | undefined): KubeObject {
    const { kind, namespace } = call
    const namespaces = find('namespaces')
    if (kind.namespaced && namespaces && !store.find(namespaces, undefined, namespace ?? ''))
      throw notFound(namespaces, namespace ?? '')
    validate(kind, made)
    if (kind.kind === 'Pod' && kind.group === '') checkNewPod(made)
    const managed = manager === undefined ? made : manage(undefined, made, manager)
    const dry = isDry(call)
    const created = store.create(kind, alive(kind, managed, cluster.starts), dry)
    if (!dry) cluster.created(created)
    return created
  }

  function update(call: Call, name: string): Answer {
    const object = objectOf(call)
    checkPlace(name, call.namespace, object.metadata)
    const before = store.get(call.kind, call.namespace, name)
    return { code: 200, body: replace(call, before, object, call.manager) }
  }

  function patch(call: Call, name: string): Answer {
    const merge = patchOf(call.contentType, call.kind)
    if (call.query.has('force'))
      throw optionsInvalid('PatchOptions', forbidden('force', 'may not be specified for non-apply patch'))
    const before = store.get(call.kind, call.namespace, name)
    const merged = merge(before, call.body)
    checkIdentity(call.kind, before, merged)
    return { code: 200, body: replace(call, before, merged, call.manager) }
  }

  /** Replaces an object. `manager` is missing where the fields are managed already. */
  function replace(call: Call, before: KubeObject, after: KubeObject, manager: string | undefined): KubeObject {
    const { kind, namespace } = call
    const made: KubeObject = {
      ...after,
      apiVersion: apiVersion(kind),
      metadata: { ...after.metadata, ...(namespace !== undefined && kind.namespaced && { namespace }) },
    }
    if (kind.subresources.includes('status')) {
      delete made.status
      if (before.status) made.status = before.status
    }
    store.current(kind, made)
    validate(kind, made)
    if (kind.kind === 'Pod') checkPodUpdate(before, made)
    const dry = isDry(call)
    const updated = store.update(kind, manager === undefined ? made : manage(before, made, manager), dry)
    if (!dry) cluster.updated(kind, updated)
    return updated
  }

  function applyTo(call: Call, name: string): Answer {
    const { kind, namespace, query, body } = call
    const manager = query.get('fieldManager')
    if (!manager)
      throw optionsInvalid('PatchOptions', {
        field: 'fieldManager',
        reason: 'FieldValueRequired',
        message: 'Required value: is required for apply patch',
      })
    checkApplied(body)
    const applied = checkKind(kind, body)
    checkPlace(name, namespace, { ...applied.metadata, name: applied.metadata.name || name })
    const given = {
      ...applied,
      metadata: { ...applied.metadata, name, ...(kind.namespaced && namespace !== undefined && { namespace }) },
    }
    const before = store.find(kind, namespace, name)
    const { uid } = given.metadata
    if (!before && uid !== undefined)
      throw conflict(
        kind,
        name,
        `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`,
      )
    const merged = apply(before, given, manager, query.get('force') === 'true')
    return before
      ? { code: 200, body: replace(call, before, merged, undefined) }
      : { code: 201, body: add(call, merged, undefined) }
  }

  function removeAll(call: Call): Answer {
    const { body } = list(call)
    const options = deleteOptionsOf(call)
    for (const object of selected(call)) remove(call, object, options)
    return { code: 200, body }
  }

  function review({ method, body }: Call): Answer {
    if (method !== 'POST') throw methodNotAllowed()
    const { spec = {} } = (body ?? {}) as { spec?: Json }
    const allowed = allows((spec['resourceAttributes'] ?? {}) as Json)
    const named = { kind: 'SelfSubjectAccessReview', apiVersion: 'authorization.k8s.io/v1', metadata: {} }
    return { code: 201, body: { ...named, spec, status: { allowed } } }
  }
}
