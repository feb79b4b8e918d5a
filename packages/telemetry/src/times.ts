import type { Attributes, Meter } from '@opentelemetry/api'
import type { Outcome, Stage } from '@talon/core'

/** Seconds: a reaction is to take milliseconds, an action may take half a minute. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** When a stage ran, in epoch milliseconds. */
export interface Span {
  readonly began: number
  readonly ended: number
}

/**
 * Times stages in histograms. Their labels are names from the rules, and few. An event's reaction is timed once, by its
 * first action that is no dry run.
 */
export function stageTimes(meter: Meter): (stage: Stage, outcome: Outcome, span: Span) => void {
  const seconds = (name: string, description: string) => {
    const options = { description, unit: 's', advice: { explicitBucketBoundaries: BUCKETS } }
    const histogram = meter.createHistogram(name, options)
    return (milliseconds: number, labels: Attributes = {}) => histogram.record(Math.max(0, milliseconds) / 1000, labels)
  }
  const reaction = seconds('reaction_seconds', "From an event's receipt to the end of its first action")
  const waiting = seconds('action_wait_seconds', 'How long actions wait for their turn')
  const acting = seconds('action_duration_seconds', 'How long actions take')
  const storing = seconds('output_duration_seconds', 'How long storing artifacts takes')
  const telling = seconds('notification_duration_seconds', 'How long it takes to tell a notifier, with all tries')
  const reacted = new WeakSet<object>()

  return ({ name, event, dryRun, waited, dropped, ...names }, { status }, { began, ended }) => {
    const { actionner = '', target = '', notifier = '' } = names
    const took = ended - began
    if (name === 'output') storing(took, { target, status })
    if (name === 'notification' && !dropped) telling(took, { notifier, status })
    if (name !== 'action') return
    acting(took, { actionner, status })
    if (waited !== undefined) waiting(waited, { actionner })
    if (dryRun || reacted.has(event)) return
    reacted.add(event)
    reaction(ended - event.received)
  }
}
