import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JournalStand } from '../../core/src/journal.fixture.ts'
import { sqliteJournal } from './journal.ts'
import type { SqliteJournalOptions } from './options.ts'

export interface SqliteStand extends JournalStand {
  readonly path: string
  /** Lines that it logged as warnings or errors. */
  readonly told: string[]
  /** How often it told of trouble. */
  troubles: number
  restart(over?: Partial<SqliteJournalOptions>): Promise<void>
}

const day = 86_400_000

/** An empty journal on disk, with a clock that stands still. */
export async function openStand(over: Partial<SqliteJournalOptions> = {}): Promise<SqliteStand> {
  const path = over.path ?? (await mkdtemp(join(tmpdir(), 'talon-journal-')))
  let time = 1_800_000_000_000
  const told: string[] = []
  const tell = (message: string) => void told.push(message)
  const options = (more: Partial<SqliteJournalOptions>): SqliteJournalOptions => ({
    ...{ path, maxEvents: 100, maxBytes: 2 ** 30, keep: 7 * day, onFailure: 'refuse' },
    ...{ now: () => time, monotonic: () => time, log: { debug() {}, info() {}, warn: tell, error: tell } },
    onTrouble: () => void stand.troubles++,
    ...over,
    ...more,
  })
  const stand: SqliteStand = {
    path,
    told,
    troubles: 0,
    journal: await sqliteJournal(options({})),
    pass: (milliseconds) => void (time += milliseconds),
    async restart(more = {}) {
      await stand.journal.close()
      stand.journal = await sqliteJournal(options(more))
    },
    async close() {
      await stand.journal.close()
      if (!over.path) await rm(path, { recursive: true, force: true })
    },
  }
  return stand
}
