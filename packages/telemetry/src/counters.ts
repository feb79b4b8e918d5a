import type { Meter } from '@opentelemetry/api'
import type { Outcome, Stage } from '@talon/core'
import { boundSeries } from './series.ts'
import { isCounted, labelsOf, type Counted } from './stage-labels.ts'

const DESCRIPTIONS: Readonly<Record<Counted, string>> = {
  event: 'Events that were taken',
  match: 'Rules that matched an event',
  context: 'Contexts by what came of reading them',
  action: 'Actions by what came of them',
  output: 'Artifacts by what came of storing them',
  notification: 'Notifications by what came of them',
}

/** Counts stages, each with its own counter, and notifications that went wrong with their reason. */
export function stageCounters(meter: Meter, maxSeries: number): (stage: Stage, outcome?: Outcome) => void {
  const counter = (name: string, description: string) => meter.createCounter(name, { description })
  const overflow = counter('series_overflow', 'Measurements whose event, pod and namespace were left out')
  const retries = counter('notification_retry', 'Tries to tell a notifier again')
  const failures = counter('notification_failure', 'Notifications that were given up, by the reason')
  const stages = new Map(
    Object.entries(DESCRIPTIONS).map(([name, description]) => {
      const bound = boundSeries(maxSeries, () => overflow.add(1, { metric: `${name}_total` }))
      return [name, { counted: counter(name, description), bound }] as const
    }),
  )
  return (stage, outcome) => {
    if (!isCounted(stage)) return
    const { counted, bound } = stages.get(stage.name) ?? {}
    if (counted && bound) counted.add(1, bound(labelsOf(stage, outcome)))
    if (stage.name !== 'notification' || !outcome) return
    const { notifier = '' } = stage
    if (outcome.retries) retries.add(outcome.retries, { notifier })
    if ('error' in outcome) failures.add(1, { notifier, reason: reasonOf(stage, outcome.error) })
  }
}

/**
 * Why nobody was told: `dropped` for want of room, `configuration`, `unavailable` (trying again might have helped, and
 * did not) or `refused`.
 */
function reasonOf({ dropped }: Stage, error: Extract<Outcome, { error: unknown }>['error']): string {
  if (dropped) return 'dropped'
  if (error.kind === 'config') return 'configuration'
  return 'retryable' in error && error.retryable ? 'unavailable' : 'refused'
}
