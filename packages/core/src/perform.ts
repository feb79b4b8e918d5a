import {
  auditName,
  auditResource,
  namespace,
  POD_UID,
  podName,
  PRIORITIES,
  type Actionner,
  type Event,
  type Notes,
  type Report,
} from '@talon/plugin'
import { isOver, type Entry, type Letter, type StepKey, type StepRecord } from './journal.ts'
import type { PlannedRule } from './planned.ts'
import { reportOf } from './report.ts'
import type { Outcome } from './stage.ts'
import { act, interrupted, runsOnce, store, type Acted } from './step.ts'
import type { Tools } from './tools.ts'
import type { StepWork } from './work.ts'

/** One rule's part of an event's plan, and how far an earlier run got with it. */
export interface Sequence extends Pick<Entry, 'event' | 'steps' | 'asked' | 'uncertain'> {
  readonly rule: PlannedRule
  /** The rule's place in the plan. */
  readonly place: number
  readonly notes: Notes
}

/**
 * Performs a rule's steps, one after the other. A failed one ends the sequence unless its errors are ignored; one
 * that is done or ignored ends it where it says `continue: false`.
 * @returns whether no step failed for good.
 */
export async function perform({ place, steps, rule, ...sequence }: Sequence, tools: Tools): Promise<boolean> {
  for (const [index, step] of rule.steps.entries()) {
    const key: StepKey = `${place}.${index}`
    const earlier = steps[key]
    const { state } =
      earlier && isOver(earlier) ? earlier : await performStep({ ...sequence, rule, step, key }, earlier, tools)
    const failed = state === 'failure' || state === 'interrupted'
    if (failed && !step.ignoreErrors) return false
    if (!failed && !step.continue) return true
  }
  return true
}

/** Brings one step to its end, from where an earlier run left it. */
async function performStep(work: StepWork, earlier: StepRecord | undefined, tools: Tools): Promise<StepRecord> {
  tools.mayAct()
  const { event, rule, step, key } = work
  let artifact = earlier?.collected && (await tools.spool.adopt(earlier.collected))
  let at = earlier?.collected?.at ?? 0
  let record: StepRecord = { state: 'success' }

  if (!artifact) {
    const began = tools.now()
    const acted = await inLane(work, earlier, tools)
    const letters = lettersOf('action', acted.outcome, began)
    ;({ artifact } = acted)
    record = recordOf(acted.outcome)
    if (artifact) {
      at = tools.stamp()
      const { file, name, size, sha256 } = artifact
      await keep({ state: 'collected', collected: { file, name, size, sha256, at } }, letters)
    } else await keep(record, letters)
  }
  if (artifact) {
    const began = tools.now()
    const stored = await store(work, artifact, at, tools)
    if (stored.status !== 'success') record = recordOf(stored)
    await keep(record, lettersOf('output', stored, began))
    await artifact.drop()
  }
  return record

  /** What is told is in the journal first; where the journal fails, people are told nevertheless. */
  async function keep(record: StepRecord, letters: readonly Letter[]): Promise<void> {
    await tools.journal.step(event.id, key, record, letters).finally(() => tools.notify(letters, event))
  }

  /** Where the engine's end failed the step, or that of the right to act, it is not told: it is left unfinished. */
  function lettersOf(stage: Report['stage'], outcome: Outcome, began: number): Letter[] {
    if (outcome.status === 'failure') tools.mayAct()
    const ended = tools.now()
    const podUid = work.notes.get(POD_UID)
    const facts = { id: tools.newId(), stage, ended, duration: ended - began, podUid }
    const report = reportOf(event, rule, step, outcome, facts)
    return rule.notifiers.map((notifier) => ({ report, notifier }))
  }
}

/** The action, in the lane of what it changes. */
function inLane(work: StepWork, earlier: StepRecord | undefined, tools: Tools): Promise<Acted> {
  const { event, rule, step } = work
  const definition = tools.host.find('actionner', step.actionner)
  const ticket = { ...laneOf(event, definition), urgency: PRIORITIES.indexOf(event.priority) }
  const queued = tools.now()
  return tools.lanes.run(ticket, tools.signal, async () => {
    const waited = tools.now() - queued
    if (runsOnce(rule, definition) && (earlier ?? work.uncertain)) return { outcome: await interrupted(work, tools) }
    tools.mayAct()
    return act(work, tools, waited)
  })
}

const recordOf = (outcome: Outcome): StepRecord => ({
  state: outcome.status,
  ...('error' in outcome && { error: outcome.error.message }),
})

/** What a step changes, by the fields that its actionner needs: the pod, else the audited object, else the event alone. */
function laneOf(event: Event, definition: Actionner | undefined): { lane?: string } {
  if (!definition || definition.effect === 'observe') return {}
  const needs = new Set<unknown>(Object.values(definition.needs))
  const at = (field: { from: readonly string[] }) => event.fields[field.from.find((name) => name in event.fields) ?? '']
  if (needs.has(podName)) return { lane: JSON.stringify(['pods', at(namespace), at(podName)]) }
  if (needs.has(auditName)) return { lane: JSON.stringify([at(auditResource), at(namespace), at(auditName)]) }
  return { lane: event.id }
}
