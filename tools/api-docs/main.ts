// `npm run api-docs`: writes docs/api from the declarations of the packages that others build upon.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FOLDER, pages } from './pages.ts'

mkdirSync(FOLDER, { recursive: true })
for (const [name, text] of pages()) writeFileSync(join(FOLDER, name), text)
