import type { KindOf } from './kinds.ts'
import type { KubeObject, Pod } from './objects.ts'
import { selects, type LabelSelector } from './selectors.ts'
import { ApiError } from './status.ts'
import type { Store } from './store.ts'

/** Refuses an eviction that would leave fewer healthy pods than a disruption budget wants. */
export function checkBudgets(store: Store, budgets: KindOf, pods: KindOf, pod: KubeObject): void {
  const { namespace } = pod.metadata
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
    const {
      selector = {},
      minAvailable,
      maxUnavailable,
    } = (budget.spec ?? {}) as {
      selector?: LabelSelector
      minAvailable?: number | string
      maxUnavailable?: number | string
    }
    const covered = store.list(pods, namespace).filter(({ metadata }) => selects(selector, metadata.labels))
    const healthy = covered.filter(isHealthy).length
    const wanted =
      minAvailable === undefined
        ? covered.length - share(maxUnavailable ?? 0, covered.length)
        : share(minAvailable, covered.length)
    if (isHealthy(pod) && healthy - 1 < wanted)
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

const isHealthy = (object: KubeObject) =>
  object.metadata.deletionTimestamp === undefined &&
  ((object as Pod).status?.containerStatuses ?? []).every((status) => status['ready'] === true)

const share = (value: number | string, of: number) =>
  typeof value === 'number' ? value : Math.ceil((Number.parseInt(value, 10) / 100) * of)
