import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const known = JSON.parse(readFileSync(join(import.meta.dirname, 'exports.json'), 'utf8')) as Record<string, string[]>

/** What each package exports at run time, by its folder. */
async function exported(): Promise<Record<string, string[]>> {
  const files = globSync('{packages,apps}/*/src/index.ts', { cwd: root }).toSorted()
  const entries = files.map(async (file) => {
    const names = Object.keys((await import(join(root, file))) as object).toSorted()
    return [dirname(dirname(file)), names] as const
  })
  return Object.fromEntries(await Promise.all(entries))
}

it('each package exports the names that were decided: a new one is a decision, a lost one a major version', async () => {
  expect(await exported()).toEqual(known)
})
