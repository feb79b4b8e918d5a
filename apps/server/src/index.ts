export { openJournal, type JournalParts } from './journal.ts'
export { entryLine } from './operator.ts'
export { serve, type Running, type ServeOptions } from './serve.ts'
