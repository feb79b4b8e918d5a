import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, type Logger } from '@talon/plugin'
import type { Journal } from './journal.ts'

/** Milliseconds between tries. */
const PAUSE = 1000

export interface PatienceOptions {
  /** Ends the waiting: the write fails then. */
  readonly signal: AbortSignal
  readonly log: Logger
  readonly pause?: number
}

/**
 * The same journal for those who respond: what cannot be written now, on a full disk, is written later. The step waits
 * for it, as it would after a restart, but knows what it has done.
 */
export function patient(journal: Journal, { signal, log, pause = PAUSE }: PatienceOptions): Journal {
  async function insist(id: string, write: () => Promise<void>): Promise<void> {
    for (let failed = false; ; failed = true)
      try {
        return await write()
      } catch (error) {
        if (signal.aborted) throw error
        const why = messageOf(error)
        if (!failed) log.warn('the journal takes nothing now: the event waits', { event: id, error: why })
        await sleep(pause, undefined, { signal }).catch(() => Promise.reject(error))
      }
  }
  return {
    ...journal,
    plan: (id, plan) => insist(id, () => journal.plan(id, plan)),
    step: (id, step, record, letters) => insist(id, () => journal.step(id, step, record, letters)),
    finish: (id, result) => insist(id, () => journal.finish(id, result)),
  }
}
