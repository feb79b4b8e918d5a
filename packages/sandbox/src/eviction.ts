import type { KindOf } from './kinds.ts'
import type { KubeObject, Pod } from './objects.ts'
import { selects, type LabelSelector } from './selectors.ts'
import { ApiError } from './status.ts'
import type { Store } from './store.ts'

/** Refuses an eviction that would leave fewer healthy pods than a disruption budget wants. A pod that does not run, or ends already, is not guarded. */
export function checkBudgets(store: Store, budgets: KindOf, pods: KindOf, pod: KubeObject): void {
  const { namespace, deletionTimestamp } = pod.metadata
  if (deletionTimestamp || pod.status?.['phase'] !== 'Running') return
  const selecting = store.list(budgets, namespace).filter(({ spec }) => {
    const { selector } = (spec ?? {}) as { selector?: LabelSelector }
    return selector !== undefined && selects(selector, pod.metadata.labels)
  })
  if (selecting.length > 1)
    throw new ApiError({
      code: 500,
      message: 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    })
  for (const budget of selecting) {
    const { selector = {}, minAvailable, maxUnavailable, unhealthyPodEvictionPolicy } = (budget.spec ?? {}) as Budget
    const covered = store.list(pods, namespace).filter(({ metadata }) => selects(selector, metadata.labels))
    const healthy = covered.filter(isHealthy).length
    const all = expected(store, covered)
    const wanted =
      minAvailable === undefined ? Math.max(0, all - share(maxUnavailable ?? 0, all)) : share(minAvailable, all)
    // One that is not ready may go where the others are enough.
    const free = !isHealthy(pod) && (unhealthyPodEvictionPolicy === 'AlwaysAllow' || (wanted > 0 && healthy >= wanted))
    if (!free && healthy <= wanted)
      throw new ApiError({
        code: 429,
        reason: 'TooManyRequests',
        message: "Cannot evict pod as it would violate the pod's disruption budget.",
        details: {
          causes: [
            {
              reason: 'DisruptionBudget',
              message: `The disruption budget ${budget.metadata.name} needs ${wanted} healthy pods and has ${healthy} currently`,
            },
          ],
        },
      })
  }
}

interface Budget {
  readonly selector?: LabelSelector
  readonly minAvailable?: number | string
  readonly maxUnavailable?: number | string
  readonly unhealthyPodEvictionPolicy?: string
}

/** How many pods their controllers want, which is what percentages and `maxUnavailable` are of. */
function expected(store: Store, covered: readonly KubeObject[]): number {
  const byOwner = Map.groupBy(covered, ({ metadata }) => controllerOf(metadata)?.uid ?? metadata.uid ?? '')
  return [...byOwner].reduce((sum, [uid, pods]) => {
    const replicas = store.withUid(uid)?.spec?.['replicas']
    return sum + (typeof replicas === 'number' ? replicas : pods.length)
  }, 0)
}

const controllerOf = ({ ownerReferences }: KubeObject['metadata']) =>
  ownerReferences?.find(({ controller }) => controller)

const isHealthy = (object: KubeObject) =>
  object.metadata.deletionTimestamp === undefined &&
  ((object as Pod).status?.containerStatuses ?? []).every((status) => status['ready'] === true)

const share = (value: number | string, of: number) =>
  typeof value === 'number' ? value : Math.ceil((Number.parseInt(value, 10) / 100) * of)
