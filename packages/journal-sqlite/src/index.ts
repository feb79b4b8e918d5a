export { sqliteJournal } from './journal.ts'
export type { SqliteJournalOptions } from './options.ts'
