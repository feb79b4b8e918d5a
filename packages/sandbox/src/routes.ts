import type { createCluster } from './cluster.ts'
import { checkBudgets } from './eviction.ts'
import { apiVersion, type KindOf } from './kinds.ts'
import type { Json, KubeObject, Pod } from './objects.ts'
import { checkIdentity, PATCHES, serverSideApply } from './patch.ts'
import { containerOf, runEphemeral, runPod, tail } from './pods.ts'
import { matchesFields, matchesLabels } from './selectors.ts'
import { ApiError, badRequest, conflict, methodNotAllowed, notFound, noSuchPath, qualified } from './status.ts'
import type { Store } from './store.ts'
import { validate } from './validate.ts'
import { suffix } from './workloads.ts'

/** One request to the API, taken apart. */
export interface Call {
  readonly method: string
  readonly kind: KindOf
  readonly namespace: string | undefined
  readonly name: string | undefined
  readonly subresource: string | undefined
  readonly query: URLSearchParams
  readonly contentType: string
  readonly body: unknown
}

export interface Answer {
  readonly code: number
  readonly body: unknown
}

export interface RoutesOptions {
  readonly store: Store
  readonly kinds: () => readonly KindOf[]
  readonly cluster: ReturnType<typeof createCluster>
  /** Text of a container's log. */
  readonly log: (asked: { readonly pod: Pod; readonly container: string }) => string
  /** Whether an access review is answered with yes. */
  readonly allows: (attributes: Json) => boolean
  readonly addKind: (kind: KindOf) => void
}

/** Answers calls on objects as the API server does. @throws ApiError */
export function createRoutes({ store, kinds, cluster, log, allows, addKind }: RoutesOptions) {
  const find = (plural: string, group = '') => kinds().find((kind) => kind.plural === plural && kind.group === group)

  return function answer(call: Call): Answer {
    const { method, name, subresource, kind, namespace } = call
    if (kind.plural === 'selfsubjectaccessreviews') return review(call)
    if (subresource !== undefined && name !== undefined) return sub(call, subresource, name)
    if (name === undefined) {
      if (method === 'GET') return list(call)
      if (method === 'POST') return create(call)
      if (method === 'DELETE') return deleteAll(call)
      throw methodNotAllowed()
    }
    switch (method) {
      case 'GET':
        return { code: 200, body: store.get(kind, namespace, name) }
      case 'PUT':
        return update(call, name)
      case 'PATCH':
        return patch(call, name)
      case 'DELETE':
        return remove(call, name)
      default:
        throw methodNotAllowed()
    }
  }

  function list({ kind, namespace, query }: Call): Answer {
    const items = store
      .list(kind, namespace)
      .filter((object) => matchesLabels(query.get('labelSelector'), object.metadata.labels))
      .filter((object) => matchesFields(query.get('fieldSelector'), object))
    return {
      code: 200,
      body: {
        kind: `${kind.kind}List`,
        apiVersion: apiVersion(kind),
        metadata: { resourceVersion: String(store.version) },
        items,
      },
    }
  }

  function create({ kind, namespace, query, body }: Call): Answer {
    const object = objectOf(body)
    const { generateName, name } = object.metadata
    const made: KubeObject = {
      ...object,
      metadata: {
        ...object.metadata,
        name: name || (generateName ? `${generateName}${suffix()}` : ''),
        ...(kind.namespaced && namespace !== undefined && { namespace }),
      },
    }
    const namespaces = find('namespaces')
    if (kind.namespaced && namespaces && !store.find(namespaces, undefined, namespace ?? ''))
      throw notFound('namespaces', namespace ?? '')
    validate(kind, made)
    const ready = kind.plural === 'pods' ? runPod(made) : made
    const created = store.create(kind, ready, isDry(query))
    if (!isDry(query)) {
      cluster.created(created)
      if (created.kind === 'CustomResourceDefinition') serve(created)
    }
    return { code: 201, body: created }
  }

  function update({ kind, namespace, query, body }: Call, name: string): Answer {
    const object = objectOf(body)
    if (object.metadata.name !== name)
      throw badRequest(`the name of the object (${object.metadata.name}) does not match the name on the URL (${name})`)
    validate(kind, object)
    const made: KubeObject = {
      ...object,
      metadata: { ...object.metadata, ...(namespace !== undefined && { namespace }) },
    }
    return { code: 200, body: store.update(kind, made, isDry(query)) }
  }

  function patch({ kind, namespace, query, body, contentType }: Call, name: string): Answer {
    const dry = isDry(query)
    if (contentType === 'application/apply-patch+yaml') {
      const manager = query.get('fieldManager')
      if (!manager)
        throw new ApiError({
          code: 422,
          reason: 'Invalid',
          message: 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
        })
      const before = store.find(kind, namespace, name)
      const applied = objectOf(body)
      const given = {
        ...applied,
        metadata: { ...applied.metadata, name, ...(namespace !== undefined && { namespace }) },
      }
      const merged = serverSideApply(before, given, manager, query.get('force') === 'true')
      validate(kind, merged)
      return before
        ? { code: 200, body: store.update(kind, merged, dry) }
        : { code: 201, body: store.create(kind, merged, dry) }
    }
    const merge = PATCHES[contentType]
    if (!merge)
      throw new ApiError({
        code: 415,
        reason: 'UnsupportedMediaType',
        message: `the body of the request was in an unknown format - accepted media types include: ${[...Object.keys(PATCHES), 'application/apply-patch+yaml'].join(', ')}`,
      })
    const before = store.get(kind, namespace, name)
    const merged = merge(before, body)
    checkIdentity(before, merged, kind.kind)
    validate(kind, merged)
    return { code: 200, body: store.update(kind, merged, dry) }
  }

  function remove({ kind, namespace, query, body }: Call, name: string): Answer {
    const object = store.get(kind, namespace, name)
    const options = (body ?? {}) as {
      preconditions?: { uid?: string; resourceVersion?: string }
      gracePeriodSeconds?: number
      propagationPolicy?: string
      dryRun?: string[]
    }
    checkPreconditions(kind, object, options.preconditions)
    if (isDry(query) || options.dryRun?.includes('All')) return { code: 200, body: object }
    const asked =
      options.gracePeriodSeconds ??
      (query.has('gracePeriodSeconds') ? Number(query.get('gracePeriodSeconds')) : undefined)
    const own = (object as Pod).spec?.['terminationGracePeriodSeconds']
    const grace = asked ?? (typeof own === 'number' ? own : 30)
    const policy = options.propagationPolicy ?? query.get('propagationPolicy')
    const ended = cluster.end(kind, object, grace, policy === 'Orphan')
    return kind.plural === 'pods'
      ? { code: 200, body: ended }
      : {
          code: 200,
          body: {
            kind: 'Status',
            apiVersion: 'v1',
            metadata: {},
            status: 'Success',
            details: { name, kind: kind.plural, uid: object.metadata.uid },
          },
        }
  }

  function deleteAll(call: Call): Answer {
    const { body } = list(call)
    for (const { metadata } of (body as { items: KubeObject[] }).items)
      remove({ ...call, body: undefined }, metadata.name)
    return { code: 200, body }
  }

  function sub(call: Call, subresource: string, name: string): Answer {
    const { kind, namespace, method, query } = call
    const object = store.get(kind, namespace, name)
    if (!kind.subresources.includes(subresource)) throw noSuchPath()
    if (subresource === 'log' && method === 'GET') {
      const container = containerOf(object, query.get('container'))
      const limit = Number(query.get('limitBytes') ?? Number.MAX_SAFE_INTEGER)
      return { code: 200, body: tail(log({ pod: object as Pod, container }), query.get('tailLines')).slice(0, limit) }
    }
    if (subresource === 'eviction' && method === 'POST') return evict(call, object)
    if (subresource === 'ephemeralcontainers') return ephemeral(call, object)
    if (subresource === 'status') return status(call, object)
    if (subresource === 'scale') return scale(call, object)
    throw methodNotAllowed()
  }

  function evict({ kind, query, body }: Call, pod: KubeObject): Answer {
    const { deleteOptions = {} } = (body ?? {}) as {
      deleteOptions?: { preconditions?: { uid?: string }; gracePeriodSeconds?: number; dryRun?: string[] }
    }
    checkPreconditions(kind, pod, deleteOptions.preconditions)
    const budgets = find('poddisruptionbudgets', 'policy')
    if (budgets) checkBudgets(store, budgets, kind, pod)
    if (!isDry(query) && !deleteOptions.dryRun?.includes('All'))
      cluster.end(kind, pod, deleteOptions.gracePeriodSeconds ?? 30, false)
    return { code: 201, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 } }
  }

  function ephemeral({ kind, method, contentType, body, query }: Call, before: KubeObject): Answer {
    if (method === 'GET') return { code: 200, body: before }
    const merge = PATCHES[contentType]
    const after = method === 'PATCH' && merge ? merge(before, body) : objectOf(body)
    return { code: 200, body: store.update(kind, runEphemeral(before, after), isDry(query)) }
  }

  function status({ kind, method, contentType, body, query }: Call, before: KubeObject): Answer {
    if (method === 'GET') return { code: 200, body: before }
    const merge = PATCHES[contentType]
    const after = method === 'PATCH' && merge ? merge(before, body) : objectOf(body)
    return {
      code: 200,
      body: store.update(kind, { ...before, ...(after.status && { status: after.status }) }, isDry(query)),
    }
  }

  function scale({ kind, method, contentType, body, query }: Call, object: KubeObject): Answer {
    const view = (from: KubeObject) => ({
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      metadata: from.metadata,
      spec: { replicas: from.spec?.['replicas'] ?? 0 },
      status: { replicas: from.status?.['replicas'] ?? 0 },
    })
    if (method === 'GET') return { code: 200, body: view(object) }
    const merge = PATCHES[contentType]
    const wanted = method === 'PATCH' && merge ? merge(view(object), body) : objectOf(body)
    const updated = store.update(
      kind,
      { ...object, spec: { ...object.spec, replicas: wanted.spec?.['replicas'] } },
      isDry(query),
    )
    return { code: 200, body: view(updated) }
  }

  function review({ method, body }: Call): Answer {
    if (method !== 'POST') throw methodNotAllowed()
    const { spec = {} } = (body ?? {}) as { spec?: Json }
    const allowed = allows((spec['resourceAttributes'] ?? {}) as Json)
    return {
      code: 201,
      body: {
        kind: 'SelfSubjectAccessReview',
        apiVersion: 'authorization.k8s.io/v1',
        metadata: {},
        spec,
        status: { allowed },
      },
    }
  }

  function serve({ spec = {} }: KubeObject): void {
    const { group, names, scope, versions } = spec as unknown as {
      group: string
      names: { plural: string; kind: string }
      scope: string
      versions: { name: string; served: boolean }[]
    }
    for (const { name: version } of versions.filter(({ served }) => served))
      addKind({
        group,
        version,
        plural: names.plural,
        kind: names.kind,
        namespaced: scope === 'Namespaced',
        subresources: [],
      })
  }

  function checkPreconditions(
    kind: KindOf,
    { metadata }: KubeObject,
    { uid, resourceVersion }: { uid?: string; resourceVersion?: string } = {},
  ): void {
    const resource = qualified(kind.plural, kind.group)
    if (uid !== undefined && uid !== metadata.uid)
      throw conflict(
        resource,
        metadata.name,
        `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
      )
    if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion)
      throw conflict(
        resource,
        metadata.name,
        `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`,
      )
  }
}

const isDry = (query: URLSearchParams) => query.getAll('dryRun').includes('All')

function objectOf(body: unknown): KubeObject {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw badRequest('the body is no object')
  const object = body as Partial<KubeObject>
  return { ...object, metadata: object.metadata ?? { name: '' } }
}
