import type { Logger } from '@talon/plugin'

export interface SqliteJournalOptions {
  /** A folder of its own; `journal.db` lies in it. Made where it is missing, for its own user alone. */
  readonly path: string
  /** How many unfinished events it holds before it says `full`. A tenth is kept for Critical and above. */
  readonly maxEvents: number
  /** Bytes of the file: finished events make way first, then it says `full`. The write-ahead log adds 16 MiB or so. */
  readonly maxBytes: number
  /** Milliseconds that finished events stay for `list` and `show`. */
  readonly keep: number
  /**
   * What to do where the disk takes nothing more. `refuse`: whatever would have been stored is rejected with an
   * ActionError, and works again as soon as the disk does. `memory`: it goes on in memory, says so, and catches up later.
   */
  readonly onFailure: 'refuse' | 'memory'
  /** Epoch milliseconds. Asked once: from there it goes by `monotonic`. */
  readonly now: () => number
  /** Milliseconds of a clock that is never set back. */
  readonly monotonic: () => number
  readonly log: Logger
  /** Told of each thing that the disk refused, for a metric. */
  readonly onTrouble?: () => void
}
