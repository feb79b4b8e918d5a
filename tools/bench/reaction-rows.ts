// Measures beside a cluster, and leaves the rows in the file that it is given.
import { writeFileSync } from 'node:fs'
import { reaction } from './reaction.ts'

writeFileSync(process.argv[2] ?? 'rows.json', JSON.stringify(await reaction.run()))
