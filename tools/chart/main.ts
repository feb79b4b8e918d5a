// Writes what the chart is told by other parts of the repository: `node --conditions=@talon/source tools/chart/main.ts`.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CHART, chartFiles } from './files.ts'

for (const [path, text] of await chartFiles()) {
  mkdirSync(dirname(join(CHART, path)), { recursive: true })
  writeFileSync(join(CHART, path), text)
}
