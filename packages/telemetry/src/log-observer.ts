import type { Observer, Outcome, Stage } from '@talon/core'
import type { Logger } from '@talon/plugin'

export interface LogObserverOptions {
  /** Whether events that match no rule are logged too. */
  readonly printAllEvents: boolean
  /** Milliseconds of a clock that is never set back. */
  readonly now?: () => number
}

/**
 * Logs one line a step, named as the stage is: `event` as it comes, before what follows from it; `match`, `action`,
 * `output` and `notification` when they are over. Contexts are told where they fail, else at the level debug. Names of
 * fields are Falco Talon's: `event` is the Falco rule, `rule` Talon's, `output` the event's message or the outcome in
 * one sentence, `result` text that an action gave.
 */
export function logObserver(log: Logger, options: LogObserverOptions): Observer {
  const { printAllEvents, now = () => performance.now() } = options
  /** Events that are said because a rule matched. Those that match nothing stay out: they may be many. */
  const said = new WeakSet<object>()
  return async (stage, next) => {
    const { name, event } = stage
    if (name === 'event') {
      if (printAllEvents) log.info('event', eventFacts(stage))
      const outcome = await next()
      if ('error' in outcome) log.error('event', { ...eventFacts(stage), error: outcome.error.message })
      return outcome
    }
    // What checks refuse is told as the end of their action.
    if (name === 'checks') return next()
    if (name === 'match' && !printAllEvents && !said.has(event)) {
      said.add(event)
      log.info('event', eventFacts(stage))
    }
    const began = now()
    const outcome = await next()
    const facts = name === 'match' ? matchFacts(stage) : factsOf(stage, outcome, now() - began)
    if ('error' in outcome) log.error(name, { ...facts, error: outcome.error.message })
    else if (name === 'context') log.debug(name, facts)
    else log.info(name, facts)
    return outcome
  }
}

function eventFacts({ event }: Stage): object {
  const { rule, priority, source, output, hostname, tags, traceId } = event
  return { event: rule, priority, source, output, hostname, tags, trace_id: traceId }
}

function matchFacts({ rule, dryRun, event }: Stage): object {
  const { rule: name, priority, source, traceId } = event
  return { event: name, priority, source, rule, ...(dryRun && { dry_run: true }), trace_id: traceId }
}

function factsOf(stage: Stage, outcome: Outcome, duration: number): object {
  const { event, rule, action, actionner, target, notifier, context, dryRun } = stage
  return {
    event: event.rule,
    priority: event.priority,
    source: event.source,
    rule,
    action,
    actionner,
    target,
    notifier,
    context,
    status: outcome.status,
    ...(!('error' in outcome) && { output: outcome.message, result: outcome.output }),
    ...(Object.keys(outcome.objects).length > 0 && { objects: outcome.objects }),
    ...(dryRun && { dry_run: true }),
    duration_ms: Math.round(duration * 100) / 100,
    trace_id: event.traceId,
  }
}
