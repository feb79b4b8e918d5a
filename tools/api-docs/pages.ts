import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { exportedBy } from './declarations.ts'
import { page } from './page.ts'

const WORKSPACE = join(import.meta.dirname, '../..')
/** The packages that others build upon. */
export const PACKAGES = ['plugin', 'testing', 'core'] as const
export const FOLDER = join(WORKSPACE, 'docs/api')

/** The pages, by their file names. What they are made from is built first, where it is not up to date. */
export function pages(): ReadonlyMap<string, string> {
  execFileSync('tsc', ['-b', ...PACKAGES.map((name) => join(WORKSPACE, 'packages', name))], { stdio: 'inherit' })
  return new Map(
    PACKAGES.map((folder) => {
      const path = join(WORKSPACE, 'packages', folder)
      const manifest = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as Record<string, string>
      const { name = '', description = '' } = manifest
      return [`${folder}.md`, page(name, description, exportedBy(join(path, 'dist/index.d.ts')))]
    }),
  )
}
