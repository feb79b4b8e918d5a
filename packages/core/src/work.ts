import type { Event, Notes } from '@talon/plugin'
import type { StepKey } from './journal.ts'
import type { PlannedRule, Step } from './planned.ts'

/** What a step works on. */
export interface StepWork {
  readonly event: Event
  readonly rule: PlannedRule
  readonly step: Step
  readonly notes: Notes
  /** The step's place in the event's plan. */
  readonly key: StepKey
  /** Epoch milliseconds when somebody asked for it again. */
  readonly asked?: number | undefined
  /** Another process may have worked on it unseen. */
  readonly uncertain?: boolean | undefined
}
