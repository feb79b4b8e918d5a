import {
  auditName,
  auditResource,
  namespace,
  podName,
  PRIORITIES,
  type Actionner,
  type Event,
  type Notes,
  type Report,
} from '@talon/plugin'
import type { StepKey, StepState } from './journal.ts'
import type { PlannedRule } from './plan.ts'
import { reportOf } from './report.ts'
import type { Outcome } from './stage.ts'
import { act, interrupted, store, type Acted, type StepWork } from './step.ts'
import type { Tools } from './tools.ts'

/** One rule's part of an event's plan, and how far an earlier run got with it. */
export interface Sequence {
  readonly event: Event
  readonly rule: PlannedRule
  /** The rule's place in the plan. */
  readonly place: number
  readonly steps: Readonly<Record<StepKey, StepState>>
  readonly notes: Notes
}

/**
 * Performs a rule's steps, one after the other. A failed one ends the sequence unless its errors are ignored; one
 * that is done or ignored ends it where it says `continue: false`.
 * @returns whether no step failed for good.
 */
export async function perform(sequence: Sequence, tools: Tools): Promise<boolean> {
  const { event, rule, place, steps, notes } = sequence
  for (const [index, step] of rule.steps.entries()) {
    const key: StepKey = `${place}.${index}`
    const earlier = steps[key]
    const ended = earlier !== undefined && earlier !== 'started'
    const status = ended ? earlier : await performStep({ event, rule, step, notes }, key, earlier === 'started', tools)
    const failed = status === 'failure' || status === 'interrupted'
    if (failed && !step.ignoreErrors) return false
    if (!failed && !step.continue) return true
  }
  return true
}

async function performStep(
  work: StepWork,
  key: StepKey,
  wasStarted: boolean,
  tools: Tools,
): Promise<Outcome['status']> {
  const { event, rule, step } = work
  const definition = tools.host.find('actionner', step.actionner)
  const again = definition?.repeatable ?? true
  const ticket = { ...laneOf(event, definition), urgency: PRIORITIES.indexOf(event.priority) }

  const { outcome, artifact } = await tools.lanes.run(ticket, tools.signal, async (): Promise<Acted> => {
    const began = tools.now()
    if (!again && !wasStarted) await tools.journal.started(event.id, key)
    const acted = !again && wasStarted ? { outcome: await interrupted(work, tools) } : await act(work, tools)
    report('action', acted.outcome, began)
    return acted
  })
  let { status } = outcome
  if (artifact) {
    const began = tools.now()
    const stored = await store(work, artifact, tools).finally(() => artifact.drop())
    report('output', stored, began)
    if (stored.status !== 'success') ({ status } = stored)
  }
  await tools.journal.finished(event.id, key, status)
  return status

  /** Where the engine's end failed the step, it is not told: the journal keeps it unfinished, for the next start. */
  function report(stage: Report['stage'], outcome: Outcome, began: number): void {
    if (outcome.status === 'failure') tools.signal.throwIfAborted()
    const ended = tools.now()
    const facts = { id: tools.newId(), stage, ended, duration: ended - began }
    tools.notify(reportOf(event, rule, step, outcome, facts), event, rule.notifiers)
  }
}

/** What a step changes, by the fields that its actionner needs: the pod, else the audited object, else the event alone. */
function laneOf(event: Event, definition: Actionner | undefined): { lane?: string } {
  if (!definition || definition.effect === 'observe') return {}
  const needs = new Set<unknown>(Object.values(definition.needs))
  const at = (field: { from: readonly string[] }) => event.fields[field.from.find((name) => name in event.fields) ?? '']
  if (needs.has(podName)) return { lane: JSON.stringify(['pods', at(namespace), at(podName)]) }
  if (needs.has(auditName)) return { lane: JSON.stringify([at(auditResource), at(namespace), at(auditName)]) }
  return { lane: event.id }
}
