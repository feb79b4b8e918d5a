import { decode, type Entry, type KeptEntry, type Plan, type Receipt, type StepKey, type StepRecord } from '@talon/core'

/** What an event's message says besides the body. */
export interface Origin extends Receipt {
  /** Of its window of deduplication. */
  readonly key: string
}

/** How far an event got. */
export interface Progress {
  plan?: Plan
  steps: Record<StepKey, StepRecord>
  notes: Record<string, string>
  asked?: number
  /** Ids of the reports that were told: letters with others were never decided. */
  told: string[]
}

/** A finished event, whole. */
export interface Ending extends Progress {
  readonly origin: Origin
  readonly raw: string
  readonly state: 'done' | 'failed'
  /** Epoch milliseconds. */
  readonly finished: number
  readonly repeats: number
}

/** A process has it, because NATS handed that message out for so many times. */
export interface Claim {
  readonly kind: 'claim'
  readonly by: string
  readonly message: number
  readonly delivery: number
}

/**
 * One message of an event's progress. Each is stored only where nothing was stored since the last one that its writer
 * knows of: whoever took an event over has written, and so stops whoever had it before.
 */
export type Fact =
  | Claim
  | { readonly kind: 'plan'; readonly plan: Plan }
  | { readonly kind: 'step'; readonly step: StepKey; readonly record: StepRecord; readonly told?: readonly string[] }
  | { readonly kind: 'note'; readonly name: string; readonly value: string }
  | { readonly kind: 'again'; readonly progress: Progress }
  | { readonly kind: 'over'; readonly ending: Ending }

export const nothing = (): Progress => ({ steps: {}, notes: {}, told: [] })

/** What is known after one fact more. */
export function learn(progress: Progress, fact: Fact): Progress {
  if (fact.kind === 'plan') progress.plan = fact.plan
  if (fact.kind === 'note') progress.notes[fact.name] = fact.value
  if (fact.kind === 'again') return fact.progress
  if (fact.kind === 'over') return fact.ending
  if (fact.kind === 'step') {
    progress.steps[fact.step] = fact.record
    progress.told.push(...(fact.told ?? []))
  }
  return progress
}

/** The entry, its event read again from the text that came. @throws EventError where this Talon cannot read it. */
export function entryOf(origin: Origin, raw: string, { plan, steps, notes, asked }: Progress, repeats: number): Entry {
  const { key: _, ...receipt } = origin
  return {
    event: decode(raw, receipt),
    ...(plan && { plan }),
    steps,
    notes,
    repeats,
    ...(asked !== undefined && { asked }),
  }
}

export function keptOf({ origin, raw, state, finished, repeats, ...progress }: Ending): KeptEntry {
  return { ...entryOf(origin, raw, progress, repeats), state, finished }
}
