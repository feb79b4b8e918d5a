export type { GlobalOptions, Surroundings } from './command.ts'
export { run } from './program.ts'
