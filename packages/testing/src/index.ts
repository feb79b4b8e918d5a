export { checkPlugin } from './check.ts'
export { falcoEvent, type EventParts } from './events.ts'
export { memoryNotes, run, type RunOptions } from './run.ts'
