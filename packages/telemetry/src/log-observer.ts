import type { Observer, Outcome, Stage } from '@talon/core'
import type { Logger } from '@talon/plugin'

export interface LogObserverOptions {
  /** Whether events that match no rule are logged too. */
  readonly printAllEvents: boolean
}

/** Logs one line for each stage when it is over: `event` first, so that what follows is read under it. */
export function logObserver(log: Logger, { printAllEvents }: LogObserverOptions): Observer {
  return async (stage, next) => {
    const began = performance.now()
    if (stage.name === 'event' && printAllEvents) log.info('event', eventFacts(stage))
    const outcome = await next()
    const { name } = stage
    if (name === 'event') return outcome
    const facts = factsOf(stage, outcome, performance.now() - began)
    if (outcome.status === 'failure' || outcome.status === 'interrupted') log.error(name, facts)
    else if (name === 'context') log.debug(name, facts)
    else log.info(name, facts)
    return outcome
  }
}

function eventFacts({ event }: Stage): object {
  const { rule, priority, source, output, hostname, tags, traceId } = event
  return { event: rule, priority, source, output, hostname, tags, trace_id: traceId }
}

function factsOf(stage: Stage, outcome: Outcome, duration: number): object {
  const { name, event, rule, action, actionner, target, notifier, context, dryRun } = stage
  const told =
    name === 'match'
      ? { priority: event.priority, source: event.source }
      : { status: outcome.status, result: outcome.message }
  return {
    event: event.rule,
    rule,
    action,
    actionner,
    target,
    notifier,
    context,
    ...told,
    ...(name === 'action' || name === 'output' ? { objects: outcome.objects } : {}),
    ...('error' in outcome && { error: outcome.error.message, result: undefined }),
    ...(name !== 'match' && { duration_ms: Math.round(duration * 100) / 100 }),
    ...(dryRun && { dry_run: true }),
    trace_id: event.traceId,
  }
}
