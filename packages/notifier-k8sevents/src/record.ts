import { isNotFound, refusalOf, type Kubernetes } from '@talon/client-kubernetes'
import { ActionError } from '@talon/plugin'
import { events, REPORT, type Recorded, type Told } from './event.ts'

/** Of several that write at once one gets through each time: as many may meet at an Event. */
const ATTEMPTS = 20

/**
 * Creates the Event, or counts it where one of its name is there. Events go an hour after they were last written
 * (kube-apiserver's --event-ttl), and so does a series that has ended.
 * @returns how often it was observed
 */
export async function record(
  kubernetes: Pick<Kubernetes, 'create' | 'get' | 'merge'>,
  event: Told,
  signal: AbortSignal,
): Promise<number> {
  const { name, namespace } = event.metadata
  const target = { ...events, namespace, name }
  let before: Recorded | undefined
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    try {
      if (before) return await count(kubernetes, before, event, signal)
      await kubernetes.create({ ...events, namespace }, event, { signal })
      return 1
    } catch (error) {
      const { code, details } = refusalOf(error) ?? {}
      const met = code === 409 || (code === 404 && details?.name === name)
      if (!met) throw placed(error, namespace)
    }
    before = await kubernetes.get(target, signal).catch((error: unknown) => {
      if (isNotFound(error)) return undefined
      throw error
    })
  }
  throw new ActionError(`the Event '${name}' in namespace '${namespace}' was changed by others each time`, {
    retryable: true,
  })
}

/** Counts a repeat; refused (409) where another was counted meanwhile. */
async function count(
  kubernetes: Pick<Kubernetes, 'merge'>,
  { metadata, series = { count: 1, lastObservedTime: '' } }: Recorded,
  { metadata: { name, namespace, annotations }, eventTime }: Told,
  signal: AbortSignal,
): Promise<number> {
  if (metadata?.annotations?.[REPORT] === annotations[REPORT]) return series.count
  // Reports may arrive in another order than they came about; these times compare as text.
  const lastObservedTime = eventTime > series.lastObservedTime ? eventTime : series.lastObservedTime
  const counted = { count: series.count + 1, lastObservedTime }
  const changed = { metadata: { resourceVersion: metadata?.resourceVersion, annotations }, series: counted }
  await kubernetes.merge({ ...events, namespace, name }, changed, { signal })
  return counted.count
}

/** A namespace that goes takes no Event any more: trying again does not help. */
function placed(error: unknown, namespace: string): unknown {
  const { code, details } = refusalOf(error) ?? {}
  if (code === 403 && details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating'))
    return new ActionError(`the namespace '${namespace}' is being deleted: it takes no Event any more`, {
      cause: error,
    })
  if (isNotFound(error) && details?.name === namespace)
    return new ActionError(`the namespace '${namespace}' is gone: no Event can be kept there`, { cause: error })
  return error
}
