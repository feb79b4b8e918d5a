export { run, type GlobalOptions, type Surroundings } from './program.ts'
