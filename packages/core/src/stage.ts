import { ActionError, messageOf, TalonError, type Event, type Result } from '@talon/plugin'

export type StageName = 'event' | 'match' | 'checks' | 'context' | 'action' | 'output' | 'notification'

/** One part of the way of an event, as observers see it. Names are absent where the stage has none. */
export interface Stage {
  readonly name: StageName
  readonly event: StageEvent
  readonly dryRun?: boolean
  /** Talon's rule. */
  readonly rule?: string
  readonly action?: string
  /** For checks, context, action, output and notification: `kubernetes:label`. */
  readonly actionner?: string
  /** Of the stage output: `aws:s3`. */
  readonly target?: string
  /** Of the stage notification: `slack`. */
  readonly notifier?: string
  /** Of the stage context: `k8snode`. */
  readonly context?: string
  /** Of the stage action: milliseconds that it waited for its turn. */
  readonly waited?: number
  /** Of the stage notification: there was no room for the report, and nobody was asked to take it. */
  readonly dropped?: true
}

/** What observers may tell of an event; reports that a restart found again carry as much. */
export type StageEvent = Pick<
  Event,
  | 'id'
  | 'rule'
  | 'priority'
  | 'source'
  | 'output'
  | 'hostname'
  | 'tags'
  | 'fields'
  | 'received'
  | 'traceId'
  | 'parentSpanId'
  | 'sampled'
>

/** What a stage ended in where something was thrown, or a crash cut it short. */
export interface Failure {
  readonly status: 'failure' | 'interrupted'
  readonly message: string
  readonly objects: Readonly<Record<string, string>>
  readonly error: TalonError
  readonly output?: string
}
/** How a stage ended; a notification also says how often it was tried again. */
export type Outcome = (Result | Failure) & { readonly retries?: number }

/** Stands around every stage: log, metrics, traces and an embedder's own. Calls `next` once and returns what it gives. */
export type Observer = (stage: Stage, next: () => Promise<Outcome>) => Promise<Outcome>
export type RunStage = (stage: Stage, work: () => Promise<Outcome>) => Promise<Outcome>

/** Runs stages inside all observers, the first outermost. Never throws: what is thrown becomes a failure. */
export function stageRunner(observers: readonly Observer[]): RunStage {
  return (stage, work) => {
    const run = async (): Promise<Outcome> => {
      try {
        return await work()
      } catch (thrown) {
        return failureOf(thrown)
      }
    }
    const around = observers.reduceRight<() => Promise<Outcome>>((next, observer) => () => observer(stage, next), run)
    return around()
  }
}

/** What was thrown, as an outcome. The message of an error that Talon did not raise is kept; its stack stays here. */
export function failureOf(thrown: unknown): Failure {
  const error = TalonError.is(thrown) ? thrown : new ActionError(messageOf(thrown), { cause: thrown })
  const output = 'output' in error ? error.output : undefined
  return { status: 'failure', message: error.message, objects: {}, error, ...(output !== undefined && { output }) }
}
