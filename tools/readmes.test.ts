import { spawnSync } from 'node:child_process'
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { brokenFiles } from './guide/links.ts'
import { blocksOf, ROOT } from './guide/pages.ts'

const find = (pattern: string) => globSync(pattern, { cwd: ROOT }).toSorted()

it.each(find('{packages,apps}/*/README.md'))('%s links to files that are there', (path) => {
  expect(brokenFiles(path)).toEqual([])
})

it('what the READMEs of the contract, the clients and the sandbox show is checked code', () => {
  const files = find('packages/{plugin,client-*,sandbox}/README.md').map((path) => {
    const [block] = blocksOf(readFileSync(join(ROOT, path), 'utf8')).filter(({ language }) => language === 'ts')
    // Beside what the package may import; git and npm leave the folder alone.
    const file = join(ROOT, dirname(path), '.report/readme.ts')
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, block?.text ?? '')
    return file
  })
  expect(files.length).toBeGreaterThan(5)
  const project = join(ROOT, 'tools/.report/tsconfig.json')
  mkdirSync(dirname(project), { recursive: true })
  writeFileSync(project, JSON.stringify({ extends: '../../tsconfig.test.json', files, include: [] }))
  const { stdout } = spawnSync('tsc', ['-p', project], { encoding: 'utf8' })
  expect(stdout).toBe('')
}, 240_000)
