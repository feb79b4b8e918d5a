import type { Event, Status } from '@talon/plugin'
import type { Plan } from './plan.ts'

/** `accepted`: safe, and will be acted on. `duplicate`: counted. `full`: refused before anything was promised. */
export type Verdict = 'accepted' | 'duplicate' | 'full'

/** Which events are one, and for how long. */
export interface Window {
  readonly key: string
  /** Milliseconds. 0: nothing is a duplicate. */
  readonly length: number
  /** Each repeat extends the window. */
  readonly sliding: boolean
}

/** `<rule's place in the plan>.<step's place in the rule>`, from 0. */
export type StepKey = `${number}.${number}`
export type StepState = 'started' | Status

/** An event that is not finished, and how far it got. */
export interface Entry {
  readonly event: Event
  readonly plan?: Plan
  readonly steps: Readonly<Record<StepKey, StepState>>
  readonly notes: Readonly<Record<string, string>>
  /** How many repeats were suppressed. */
  readonly repeats: number
}

/**
 * What keeps events from the answer of 2xx to their last step. Each promise is kept once it resolves: with a durable
 * journal the fact is on disk then. A rejection means that it is not.
 */
export interface Journal {
  accept(event: Event, window: Window): Promise<Verdict>
  /** Stores what will be done, before anything is done. */
  plan(id: string, plan: Plan): Promise<void>
  /** Marks a step that may not run twice, before it runs. */
  started(id: string, step: StepKey): Promise<void>
  finished(id: string, step: StepKey, status: Status): Promise<void>
  /** Keeps a fact that a later step or a restart needs, such as the pod's UID. */
  note(id: string, name: string, value: string): Promise<void>
  /** The event's last step is over. A failed one no longer suppresses the next of its key. */
  finish(id: string, result: 'done' | 'failed'): Promise<void>
  /** What a restart goes on with, oldest first. */
  unfinished(): AsyncIterable<Entry>
  /** How many are not finished, and when the oldest was received, in epoch milliseconds. */
  stats(): { readonly waiting: number; readonly oldest?: number }
  close(): Promise<void>
}
