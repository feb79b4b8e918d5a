import type { Cluster } from './cluster.ts'
import type { KindOf } from './kinds.ts'
import type { KubeObject } from './objects.ts'
import { isDry, type Call, type DeleteOptions } from './requests.ts'
import { preconditionFailed } from './status.ts'
import type { Store } from './store.ts'

/** Seconds that a pod has to end where nothing else is said. */
const GRACE = 30

/** Deletes one object under its preconditions, and says what the API server answers. @throws ApiError 409 */
export function createDeletion(store: Store, cluster: Cluster) {
  return (call: Call, object: KubeObject, options: DeleteOptions): unknown => {
    const { kind } = call
    const { name, uid } = object.metadata
    checkPreconditions(kind, object, options)
    const own = object.spec?.['terminationGracePeriodSeconds']
    const grace = options.gracePeriodSeconds ?? (typeof own === 'number' ? own : GRACE)
    const pod = kind.kind === 'Pod'
    if (isDry(call, options)) return pod ? store.get(kind, object.metadata.namespace, name) : success(kind, name, uid)
    const ended = cluster.end(kind, object, Math.max(0, grace), options.propagationPolicy === 'Orphan')
    return pod || ended.metadata.finalizers?.length ? ended : success(kind, name, uid)
  }
}

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
