import type { Cluster, Propagation } from './cluster.ts'
import type { KindOf } from './kinds.ts'
import type { KubeObject } from './objects.ts'
import { graceOf } from './pods.ts'
import { isDry, type Call, type DeleteOptions } from './requests.ts'
import { preconditionFailed } from './status.ts'
import type { Store } from './store.ts'

/** Deletes one object under its preconditions, and says what the API server answers. @throws ApiError 409 */
export function createDeletion(store: Store, cluster: Cluster) {
  return (call: Call, object: KubeObject, options: DeleteOptions): unknown => {
    const { kind } = call
    const { name, uid } = object.metadata
    checkPreconditions(kind, object, options)
    const grace = options.gracePeriodSeconds ?? graceOf(object)
    const policy = (options.propagationPolicy ?? defaultPolicy(kind)) as Propagation
    const pod = kind.kind === 'Pod'
    if (isDry(call, options)) return pod ? store.get(kind, object.metadata.namespace, name) : success(kind, name, uid)
    const ended = cluster.end(kind, object, Math.max(0, grace), policy)
    return pod || ended.metadata.finalizers?.length ? ended : success(kind, name, uid)
  }
}

/** As the API server does it still: the pods of a Job outlive it unless the client says otherwise. */
const defaultPolicy = ({ kind, group }: KindOf): Propagation =>
  kind === 'Job' && group === 'batch' ? 'Orphan' : 'Background'

const success = ({ plural, group }: KindOf, name: string, uid = '') => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Success',
  details: { name, ...(group && { group }), kind: plural, uid },
})

function checkPreconditions(kind: KindOf, { metadata }: KubeObject, { preconditions = {} }: DeleteOptions): void {
  const { uid, resourceVersion } = preconditions
  if (uid !== undefined && uid !== metadata.uid)
    throw preconditionFailed(
      kind,
      metadata.name,
      `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
    )
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion)
    throw preconditionFailed(
      kind,
      metadata.name,
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`,
    )
}
