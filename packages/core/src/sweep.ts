import type { Logger } from '@talon/plugin'
import type { Entry, Journal } from './journal.ts'
import type { Spool } from './spool.ts'

export interface SweepOptions {
  readonly spool: Pick<Spool, 'sweep'>
  readonly journal: Pick<Journal, 'show'>
  /** What is being worked on: the files of these are wanted. */
  readonly working: ReadonlySet<Entry>
  readonly log: Logger
  readonly signal: AbortSignal
}

/** Milliseconds between two looks at the spool. */
const PERIOD = 60_000

/**
 * Removes from the spool what nobody waits for, now and each minute: what a crash left, and what was collected for
 * events that passed to another process and are finished there. Resolves after the first time.
 */
export async function keepSwept({ spool, journal, working, log, signal }: SweepOptions): Promise<void> {
  const isWorkedOn = (id: string) => working.values().some(({ event }) => event.id === id)

  async function isWanted(file: string): Promise<boolean> {
    const id = file.slice(0, file.indexOf('.'))
    if (isWorkedOn(id)) return true
    const entry = await journal.show(id)
    const isAwaited = Object.values(entry?.steps ?? {}).some(({ collected }) => collected?.file === file)
    // Meanwhile it may have been given out again.
    return (entry?.state === 'unfinished' && isAwaited) || isWorkedOn(id)
  }

  await spool.sweep(isWanted)
  const timer = setInterval(() => {
    spool.sweep(isWanted).catch((error: unknown) => {
      if (signal.aborted) return
      log.warn('the spool could not be looked through: it is tried again', { error: String(error) })
    })
  }, PERIOD).unref()
  signal.addEventListener('abort', () => clearInterval(timer), { once: true })
}
