export { natsJournal } from './journal.ts'
export type { NatsConnectionOptions, NatsJournalOptions } from './options.ts'
