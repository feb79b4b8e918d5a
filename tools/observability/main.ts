// Writes docs/observability/dashboard.json: `npm run dashboard`.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { dashboardText } from './dashboard.ts'

writeFileSync(join(import.meta.dirname, '../../docs/observability/dashboard.json'), dashboardText())
