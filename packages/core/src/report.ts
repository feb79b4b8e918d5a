import type { Event, Report, Status } from '@talon/plugin'
import type { PlannedRule, Step } from './planned.ts'
import type { Outcome } from './stage.ts'

export interface ReportFacts {
  readonly id: string
  readonly stage: Report['stage']
  /** Epoch milliseconds. */
  readonly ended: number
  /** Milliseconds. */
  readonly duration: number
  /** UID of the event's pod, where it was found. */
  readonly podUid?: string | undefined
}

/** What notifiers are told of an outcome. */
export function reportOf(event: Event, rule: PlannedRule, step: Step, outcome: Outcome, facts: ReportFacts): Report {
  const { id, priority, source, output, time, hostname, tags, fields } = event
  return {
    id: facts.id,
    stage: facts.stage,
    status: outcome.status satisfies Status,
    message: outcome.message,
    ...('error' in outcome && { error: outcome.error.message }),
    ...(outcome.output !== undefined && { output: outcome.output }),
    rule: rule.rule,
    action: step.action,
    actionner: step.actionner,
    ...(facts.stage === 'output' && step.output && { target: step.output.target }),
    dryRun: rule.dryRun,
    objects: outcome.objects,
    time: new Date(facts.ended).toISOString(),
    duration: facts.duration,
    event: { id, rule: event.rule, priority, source, output, time, hostname, tags, fields },
    traceId: event.traceId,
    ...(facts.podUid !== undefined && { podUid: facts.podUid }),
  }
}
