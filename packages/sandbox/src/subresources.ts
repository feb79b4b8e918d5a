import { manage } from './apply.ts'
import type { Cluster } from './cluster.ts'
import { checkBudgets } from './eviction.ts'
import type { KindOf } from './kinds.ts'
import { readLog, type LogScript } from './log.ts'
import type { KubeObject } from './objects.ts'
import { checkPlace, patchOf } from './patch.ts'
import { runEphemeral } from './pods.ts'
import { checkKind, isDry, type Answer, type Call, type DeleteOptions } from './requests.ts'
import { badRequest, conflict, invalid, methodNotAllowed, noSuchPath, wrongValue } from './status.ts'
import type { Store } from './store.ts'

export interface SubresourcesOptions {
  readonly store: Store
  readonly cluster: Cluster
  /** Text of a container's log. */
  readonly log: LogScript
  /** The kind of disruption budgets. */
  readonly budgets: () => KindOf | undefined
  readonly remove: (call: Call, object: KubeObject, options: DeleteOptions) => unknown
}

type Subresource = (call: Call, object: KubeObject) => Answer

/** Answers calls on `log`, `eviction`, `ephemeralcontainers`, `status` and `scale`. @throws ApiError */
export function createSubresources({ store, cluster, log, budgets, remove }: SubresourcesOptions) {
  const answers: Readonly<Record<string, Subresource>> = {
    log: logOf,
    eviction,
    ephemeralcontainers,
    status,
    scale,
    exec,
  }

  return (call: Call, subresource: string, name: string): Answer => {
    const answer = call.kind.subresources.includes(subresource) ? answers[subresource] : undefined
    if (!answer) throw noSuchPath()
    return answer(call, store.get(call.kind, call.namespace, name))
  }

  function logOf({ method, query }: Call, pod: KubeObject): Answer {
    if (method !== 'GET') throw methodNotAllowed()
    return { code: 200, body: readLog(pod, query, log) }
  }

  function exec(): Answer {
    throw badRequest('Upgrade request required')
  }

  function eviction(call: Call, pod: KubeObject): Answer {
    if (call.method !== 'POST') throw methodNotAllowed()
    const { metadata, deleteOptions = {} } = (call.body ?? {}) as {
      metadata?: { name?: string }
      deleteOptions?: DeleteOptions
    }
    if (metadata?.name && metadata.name !== pod.metadata.name)
      throw badRequest('name in URL does not match name in Eviction object')
    const kind = budgets()
    if (kind) checkBudgets(store, kind, call.kind, pod)
    remove(call, pod, deleteOptions)
    return { code: 201, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 } }
  }

  function ephemeralcontainers(call: Call, before: KubeObject): Answer {
    if (call.method === 'GET') return { code: 200, body: before }
    const after = written(call, before, before)
    return save(call, before, runEphemeral(before, after, cluster.starts), 'ephemeralcontainers')
  }

  function status(call: Call, before: KubeObject): Answer {
    if (call.method === 'GET') return { code: 200, body: before }
    const { status: now, metadata } = written(call, before, before)
    const { resourceVersion } = metadata
    const kept = { ...before.metadata, ...(resourceVersion !== undefined && { resourceVersion }) }
    return save(call, before, { ...before, metadata: kept, ...(now && { status: now }) }, 'status')
  }

  function scale(call: Call, object: KubeObject): Answer {
    const view = scaleOf(object)
    if (call.method === 'GET') return { code: 200, body: view }
    const { spec, metadata } = written(call, object, view)
    const replicas = Number(spec?.['replicas'] ?? 0)
    if (replicas < 0)
      throw invalid({ kind: 'Scale', group: 'autoscaling' }, object.metadata.name, [
        wrongValue('spec.replicas', replicas, 'must be greater than or equal to 0'),
      ])
    if (metadata.resourceVersion && metadata.resourceVersion !== object.metadata.resourceVersion)
      throw conflict(
        call.kind,
        object.metadata.name,
        'the object has been modified; please apply your changes to the latest version and try again',
      )
    const { body } = save(call, object, { ...object, spec: { ...object.spec, replicas } }, 'scale')
    return { code: 200, body: scaleOf(body as KubeObject) }
  }

  /** What a PUT or PATCH of a subresource makes of what it shows. */
  function written(
    { method, contentType, kind, body, namespace }: Call,
    object: KubeObject,
    view: KubeObject,
  ): KubeObject {
    if (method === 'PATCH') return patchOf(contentType, kind)(view, body)
    if (method !== 'PUT') throw methodNotAllowed()
    const after = view === object ? checkKind(kind, body) : (body as KubeObject)
    checkPlace(object.metadata.name, namespace, {
      ...after.metadata,
      name: after.metadata?.name || object.metadata.name,
    })
    return after
  }

  function save(call: Call, before: KubeObject, after: KubeObject, subresource: string): Answer {
    const dry = isDry(call)
    const updated = store.update(call.kind, manage(before, after, call.manager, subresource), dry)
    if (!dry) cluster.updated(call.kind, updated)
    return { code: 200, body: updated }
  }
}

function scaleOf({ metadata, spec, status }: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: {
      name,
      ...(namespace && { namespace }),
      ...(uid && { uid }),
      ...(resourceVersion && { resourceVersion }),
      ...(creationTimestamp && { creationTimestamp }),
    },
    spec: { replicas: spec?.['replicas'] ?? 0 },
    status: { replicas: status?.['replicas'] ?? 0 },
  }
}
