import type { Event, Priority } from './event.ts'

/**
 * How a step ended: `ignored` decided not to act, `interrupted` was cut short by a crash and may not run again.
 * `in_progress` is one that has not ended; the engine tells of none yet, and notifiers know the word.
 */
export type Status = 'in_progress' | 'success' | 'failure' | 'ignored' | 'interrupted'

/** What came of an action or an output: what notifiers get, and what the journal keeps. Plain JSON. */
export interface Report {
  /** Unique, the same at each attempt to deliver it. */
  readonly id: string
  readonly stage: 'action' | 'output'
  readonly status: Status
  readonly message: string
  /** Why it failed. */
  readonly error?: string
  /** Text that is itself the result. */
  readonly output?: string
  /** Talon's rule. */
  readonly rule: string
  readonly action: string
  readonly actionner: string
  /** The output's name, for the stage output. */
  readonly target?: string
  readonly dryRun: boolean
  readonly objects: Readonly<Record<string, string>>
  /** RFC 3339, when the step ended. */
  readonly time: string
  /** Milliseconds that the step took. */
  readonly duration: number
  readonly event: ReportedEvent
  /** UID of the event's pod, once it was found: the pod may be gone by the time that this is told. */
  readonly podUid?: string
  readonly traceId: string
}

/** The part of an event that a report tells. */
export interface ReportedEvent extends Pick<
  Event,
  'id' | 'rule' | 'source' | 'output' | 'time' | 'hostname' | 'tags' | 'fields'
> {
  readonly priority: Priority
}
