import process from 'node:process'
import { run } from './program.ts'

// The one place that ends the process. Normally it only sets the status, so that what is being written gets out.
process.exitCode = await run(process.argv, { exit: (status) => process.exit(status) })
