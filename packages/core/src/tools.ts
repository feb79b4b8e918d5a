import type { Event, Logger } from '@talon/plugin'
import type { Gate } from './gate.ts'
import type { Host } from './host.ts'
import type { Journal, Letter } from './journal.ts'
import type { Lanes } from './lanes.ts'
import type { Spool } from './spool.ts'
import type { RunStage } from './stage.ts'

/** What steps are performed with. */
export interface Tools {
  readonly host: Pick<Host, 'find'>
  readonly open: Gate
  readonly journal: Journal
  readonly lanes: Lanes
  readonly spool: Spool
  readonly runStage: RunStage
  readonly notify: (letters: readonly Letter[], event: Event) => void
  readonly log: Logger
  /** Ends all steps; what is not finished stays in the journal. */
  readonly signal: AbortSignal
  /** Asked before each step. @throws where the right to work on the event has passed to another process. */
  readonly mayAct: () => void
  readonly retries: number
  /** Milliseconds after which what changes is not done any more. */
  readonly maxEventAge: number
  /** Epoch milliseconds. */
  readonly now: () => number
  /** Epoch milliseconds, never the same twice: keys of artifacts are made of them. */
  readonly stamp: () => number
  readonly random: () => number
  readonly newId: () => string
}
