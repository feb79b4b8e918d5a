import type { SqliteJournalOptions } from './options.ts'
import type { ThreadOptions } from './thread.ts'

/** Milliseconds between two lines about one trouble. */
const SILENCE = 10_000

/** Says what the disk refuses, once in a while, and counts it each time. */
export function alarm(
  { log, monotonic, onFailure, onTrouble }: SqliteJournalOptions,
  file: string,
): Pick<ThreadOptions, 'onTrouble' | 'onUnwritten' | 'onLost'> {
  let told = Number.NEGATIVE_INFINITY
  return {
    onTrouble(error) {
      onTrouble?.()
      if (monotonic() - told < SILENCE) return
      told = monotonic()
      const effect =
        onFailure === 'refuse'
          ? 'events are refused until it can'
          : 'what comes is kept in memory until it can, and is lost if the process ends before'
      log.error(`the journal cannot write: ${effect}`, { file, error })
    },
    onUnwritten(count) {
      if (count) log.error('the journal holds in memory what the disk refused', { file, operations: count })
      else log.warn('the journal is on disk again, with all that memory held', { file })
    },
    onLost(count) {
      log.error('the disk took to the end nothing of what the journal held in memory: it is lost', {
        file,
        operations: count,
      })
    },
  }
}
