import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { exportedBy } from './declarations.ts'
import { FOLDER, PACKAGES, pages } from './pages.ts'

const root = join(import.meta.dirname, '../..')
const values = JSON.parse(readFileSync(join(root, 'tools/exports.json'), 'utf8')) as Record<string, string[]>

describe('docs/api', () => {
  it.each([...pages()])('%s is what the packages export now; npm run api-docs writes it anew', (name, text) => {
    expect(readFileSync(join(FOLDER, name), 'utf8')).toBe(text)
  })

  it.each(PACKAGES)('has every value that %s exports', (name) => {
    const exported = exportedBy(join(root, 'packages', name, 'dist/index.d.ts'))
    expect(
      exported
        .filter(({ kind }) => kind !== 'type')
        .map((entry) => entry.name)
        .toSorted(),
    ).toEqual(values[`packages/${name}`])
  })

  it.each(['plugin', 'testing'])('explains every function, class and value of %s', (name) => {
    const exported = exportedBy(join(root, 'packages', name, 'dist/index.d.ts'))
    expect(exported.filter(({ kind, doc }) => kind !== 'type' && !doc).map((entry) => entry.name)).toEqual([])
  })
})
