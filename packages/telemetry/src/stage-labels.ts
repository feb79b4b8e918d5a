import type { Outcome, Stage, StageName } from '@talon/core'
import { namespace, podName, type Field } from '@talon/plugin'
import type { Labels } from './series.ts'

/** Stages with a counter. Checks have none: what they refuse is counted as the action. */
export type Counted = Exclude<StageName, 'checks'>
type CountedStage = Stage & { readonly name: Counted }

export const isCounted = (stage: Stage): stage is CountedStage => stage.name !== 'checks'

/**
 * The labels of Falco Talon's counters, by stage: `event` is the Falco rule's name, never its message. `dry_run` is
 * there for dry runs alone, so that the labels of the rest are Falco Talon's exactly.
 */
export function labelsOf(stage: CountedStage, outcome?: Outcome): Labels {
  const { name, event, dryRun } = stage
  const { priority, source } = event
  const { rule = '', action = '', actionner = '', target = '', notifier = '', context = '' } = stage
  const dry = dryRun ? { dry_run: 'true' } : undefined
  const told = { event: event.rule }
  switch (name) {
    case 'event':
      return { foreign: { ...told, source }, own: { priority } }
    case 'match':
      return { foreign: { ...told, source }, own: { priority, rule, ...dry } }
    case 'context':
      return { foreign: {}, own: { context, status: statusOf(outcome), ...dry } }
    default: {
      const at = { output: { target }, notification: { notifier }, action: {} }[name]
      const own = { action, actionner, rule, status: statusOf(outcome), ...at, ...dry }
      return { foreign: { ...told, ...placeOf(stage, outcome) }, own }
    }
  }
}

const statusOf = (outcome: Outcome | undefined) => outcome?.status ?? ''

/** What was acted on, else what the event is about. */
function placeOf({ event }: Stage, outcome: Outcome | undefined): { namespace: string; pod: string } {
  return {
    namespace: outcome?.objects['namespace'] ?? valueOf(event.fields, namespace),
    pod: outcome?.objects['pod'] ?? valueOf(event.fields, podName),
  }
}

function valueOf(fields: Readonly<Record<string, string>>, { from, when = {} }: Field): string {
  const holds = (name: string) => Object.entries(when[name] ?? {}).every(([other, value]) => fields[other] === value)
  const name = from.find((name) => fields[name] !== undefined && holds(name))
  return name === undefined ? '' : (fields[name] ?? '')
}
