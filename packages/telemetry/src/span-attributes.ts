import type { Attributes } from '@opentelemetry/api'
import type { Outcome, Stage } from '@talon/core'

/** Characters of one value at most. */
export const LENGTH = 1024
/** Objects that a result may name, and tags of an event. */
const MANY = 16

/** `action kubernetes:label`: what happens and by what, from the rules and never from an event, so that names are few. */
export function spanName({ name, actionner, target, notifier, context }: Stage): string {
  const by = { event: '', match: '', checks: '', context, action: actionner, output: target, notification: notifier }
  return [name, by[name]].filter(Boolean).join(' ')
}

/** What a span says of its stage. What came in the event is a value, and its fields stay out of it. */
export function stageAttributes(stage: Stage, now: number, mask: (text: string) => string): Attributes {
  const { event, rule, action, actionner, target, notifier, context, dryRun, waited, dropped } = stage
  const common = { 'falco.rule': event.rule, 'talon.rule': rule, 'talon.dry_run': dryRun }
  if (stage.name !== 'event')
    return masked(
      {
        ...common,
        'talon.action': action,
        'talon.actionner': actionner,
        'talon.target': target,
        'talon.notifier': notifier,
        'talon.context': context,
        'talon.waited_ms': waited,
        'talon.dropped': dropped,
      },
      mask,
    )
  return masked(
    {
      ...common,
      'falco.priority': event.priority,
      'falco.source': event.source,
      'falco.output': event.output,
      'falco.hostname': event.hostname,
      'falco.tags': event.tags.slice(0, MANY),
      'talon.event_id': event.id,
      'talon.age_ms': Math.max(0, now - event.received),
    },
    mask,
  )
}

/** What a span says of the end of its stage. Text that an action gave as its result may hold anything: it stays out. */
export function outcomeAttributes(outcome: Outcome, mask: (text: string) => string): Attributes {
  const objects = Object.entries(outcome.objects).slice(0, MANY)
  return masked(
    {
      'talon.status': outcome.status,
      'talon.message': outcome.message,
      'talon.retries': outcome.retries || undefined,
      ...Object.fromEntries(objects.map(([name, value]) => [`talon.object.${name}`, value])),
      ...('error' in outcome && { 'error.type': outcome.error.kind }),
    },
    mask,
  )
}

type Values = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>

function masked(values: Values, mask: (text: string) => string): Attributes {
  const attributes: Attributes = {}
  for (const [name, value] of Object.entries(values)) {
    if (typeof value === 'string') attributes[name] = mask(value)
    else if (typeof value === 'object') attributes[name] = value.map(mask)
    else if (value !== undefined) attributes[name] = value
  }
  return attributes
}
