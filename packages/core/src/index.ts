export {
  failureOf,
  stageRunner,
  type Failure,
  type Observer,
  type Outcome,
  type RunStage,
  type Stage,
  type StageEvent,
  type StageName,
} from './stage.ts'
export { memoryJournal } from './memory.ts'
export type { Entry, Journal, StepKey, StepState, Verdict, Window } from './journal.ts'
export type { Plan, PlannedRule, Step } from './plan.ts'
export { decode } from './event.ts'
