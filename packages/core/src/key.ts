import { namespace, podName, type Event } from '@talon/plugin'
import { readFields } from './fields.ts'
import { segmentOf } from './tokens.ts'

/**
 * The name of an artifact where it is stored: `<UTC time to the millisecond>_<namespace>_<pod>_<artifact name>`, the
 * hostname where there is no pod. One clean path segment.
 */
export function keyOf(event: Event, artifact: string, now: number): string {
  const time = new Date(now).toISOString().replaceAll(':', '-')
  return [time, ...placeOf(event), artifact].map(segmentOf).join('_')
}

function placeOf(event: Event): string[] {
  const place = podOf(event)
  return place ? [place.namespace, place.pod] : [event.hostname || 'unknown']
}

/** The pod that an event is about, where it names one that can be trusted as a name. */
export function podOf(event: Event): { readonly namespace: string; readonly pod: string } | undefined {
  try {
    const { namespace: ns, pod } = readFields(event, { namespace, pod: podName })
    return { namespace: ns, pod }
  } catch {
    return undefined
  }
}
