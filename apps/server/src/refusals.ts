import type { Logger } from '@talon/plugin'
import type { Reason } from './refusal.ts'

/** Milliseconds between two lines of one reason. */
const QUIET = 10_000

export interface RefusalsOptions {
  readonly counted: (reason: Reason) => void
  readonly log: Logger
  /** Milliseconds of a clock that is never set back. */
  readonly now: () => number
}

/** Counts every request that is turned away, and says some of them: anybody who reaches the port can cause them. */
export function refusals({ counted, log, now }: RefusalsOptions): (reason: Reason, message: string) => void {
  const quiet = new Map<Reason, { until: number; unsaid: number }>()
  return (reason, message) => {
    counted(reason)
    const state = quiet.get(reason) ?? { until: -Infinity, unsaid: 0 }
    quiet.set(reason, state)
    if (now() < state.until) {
      state.unsaid += 1
      return
    }
    log.warn('a request was turned away', { reason, message, ...(state.unsaid > 0 && { more: state.unsaid }) })
    state.until = now() + QUIET
    state.unsaid = 0
  }
}
