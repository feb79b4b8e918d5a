import type { Event, Report, Status } from '@talon/plugin'
import type { Plan } from './plan.ts'
import type { Collected } from './spool.ts'

/**
 * `accepted`: safe, and will be acted on. `duplicate`: counted. `full`: refused before anything was promised.
 */
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

/** How far a step got. */
export interface StepRecord {
  /**
   * `started`: it may not run twice, and began. `collected`: the action is done, and what it brought home lies in the
   * spool and waits to be stored. The rest is how it ended.
   */
  readonly state: 'started' | 'collected' | Status
  /** Why it failed. */
  readonly error?: string
  readonly collected?: Collected
}

/** An event, and how far it got. */
export interface Entry {
  readonly event: Event
  readonly plan?: Plan
  readonly steps: Readonly<Record<StepKey, StepRecord>>
  readonly notes: Readonly<Record<string, string>>
  /** How many repeats were suppressed. */
  readonly repeats: number
  /** Epoch milliseconds when somebody asked for it again: its age counts from there. */
  readonly asked?: number
  /** Another process may have worked on it unseen: what may not run twice is not run, and reported as interrupted. */
  readonly uncertain?: boolean
}

export type EntryState = 'unfinished' | 'done' | 'failed'

/** An entry as an operator sees it. */
export interface KeptEntry extends Entry {
  readonly state: EntryState
  /** Epoch milliseconds. */
  readonly finished?: number
}

/** A report on its way to one notifier. */
export interface Letter {
  readonly report: Report
  readonly notifier: string
}

/**
 * The right to work on an entry where it may pass to another process: that of a leader, or of a consumer. Who has lost
 * it begins no further step, ends what is under way, and leaves the entry as it is.
 */
export interface Tenure {
  /** Aborts when the right has passed. */
  readonly signal: AbortSignal
  /** Asked before each step: a process that slept has had no timer that could abort. */
  valid(): boolean
  /** Told once nothing of this process works on the entry any more, finished or not. */
  release(): void
}

export interface Work {
  readonly entry: Entry
  /** Absent where the entry is this process's alone. */
  readonly tenure?: Tenure
}

/** How much there is. */
export interface JournalStats {
  /** Events that are not finished. */
  readonly waiting: number
  /** When the oldest of them was received, in epoch milliseconds. */
  readonly oldest?: number
  /** Events that failed for good and are kept. */
  readonly failed: number
  /** Bytes on disk, or in the stream. */
  readonly bytes?: number
}

/**
 * What keeps events from the answer of 2xx to their last step. Each promise is kept once it resolves: with a durable
 * journal the fact is on disk then. A rejection means that it is not.
 */
export interface Journal {
  /** An event whose id is known already is a duplicate. */
  accept(event: Event, window: Window): Promise<Verdict>
  /**
   * As `accept`, for an event that sets nothing off: it is finished with the same write, and `work` does not give it.
   * Absent where the journal cannot do that: then it is accepted and finished as any other.
   */
  conclude?(event: Event, window: Window): Promise<Verdict>
  /** What is to be done: what an earlier run left, then what is accepted or retried. Ends when the journal closes. */
  work(): AsyncIterable<Work>
  /** Stores what will be done, before anything is done. */
  plan(id: string, plan: Plan): Promise<void>
  /** Stores how far a step got, and what is to be told of it, both or neither. */
  step(id: string, step: StepKey, record: StepRecord, letters?: readonly Letter[]): Promise<void>
  /** Keeps a fact that a later step or a restart needs, such as the pod's UID. */
  note(id: string, name: string, value: string): Promise<void>
  /** The event's last step is over. A failed one no longer suppresses the next of its key. */
  finish(id: string, result: 'done' | 'failed'): Promise<void>
  /** What an earlier run did not deliver. */
  letters(): AsyncIterable<Letter>
  /**
   * What other processes do not deliver that end while this one runs. Ends when the journal closes. Absent where the
   * journal is this process's alone.
   */
  inherited?(): AsyncIterable<Letter>
  /** A letter arrived, or was given up. */
  delivered(letter: Letter): Promise<void>
  /** Newest first. */
  list(query: { readonly state?: EntryState; readonly limit: number }): Promise<readonly KeptEntry[]>
  show(id: string): Promise<KeptEntry | undefined>
  /** Begins a failed event again, with what it has done kept. @returns whether there is such an event that failed. */
  retry(id: string, now: number): Promise<boolean>
  /** Forgets an event that is finished. @returns whether there was one. */
  drop(id: string): Promise<boolean>
  stats(): JournalStats
  /** Whether it can keep an event now, for `/readyz`: throws where not. Absent where only trying tells. */
  check?(): Promise<void>
  close(): Promise<void>
}

/** What another process did about an event that it hands over. */
export type Known = Pick<Entry, 'plan' | 'steps' | 'notes'>

/** A journal that several processes hand events to each other from. */
export interface AdoptingJournal extends Journal {
  /** As `accept`, with what another process knows of the event: both are stored, or neither, and `work` gives both. */
  adopt(event: Event, window: Window, known: Known): Promise<Verdict>
}

/** Whether events can be handed over to this journal. */
export function canAdopt(journal: Journal): journal is AdoptingJournal {
  return 'adopt' in journal
}

/** Whether a step with this record is over: a restart does not run it again. */
export function isOver({ state }: StepRecord): boolean {
  return state !== 'started' && state !== 'collected'
}

/** What a failed event has done: the steps that run again are left out. */
export function stepsKept(steps: Entry['steps']): Entry['steps'] {
  return Object.fromEntries(
    Object.entries(steps).filter(([, { state }]) => !['failure', 'interrupted', 'started'].includes(state)),
  )
}
