import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { loadPlugins } from './load.ts'

let root = ''
/** A package as npm installs it, whose `exports` have the condition `import` alone. */
const install = async (folder: string, name: string, code: string) => {
  const home = join(root, folder, 'node_modules', name)
  await mkdir(home, { recursive: true })
  const manifest = { name, version: '1.0.0', type: 'module', exports: { '.': { import: './main.js' } } }
  await writeFile(join(home, 'package.json'), JSON.stringify(manifest))
  await writeFile(join(home, 'main.js'), code)
}
const plugin = (name: string) => `export default { contract: 1, name: '${name}', provides: [] }`

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'talon-load-'))
  await install('etc', 'talon-one', plugin('one'))
  await install('etc', '@acme/two', plugin('two from etc'))
  await install('plugins', '@acme/two', plugin('two from plugins'))
  await install('plugins', 'three', plugin('three'))
  await install('etc', 'other', 'export const hello = 1')
  await install('etc', 'newer', 'export default { contract: 2, provides: [] }')
  await install('etc', 'broken', "throw new Error('it does not start')")
})
afterAll(() => rm(root, { recursive: true }))
const load = (...names: string[]) => loadPlugins(names, [join(root, 'etc'), join(root, 'plugins')])

it("plugins are found by their packages' names, in the first folder that has them", async () =>
  expect((await load('talon-one', '@acme/two', 'three')).map(({ name }) => name)).toEqual([
    'one',
    'two from etc',
    'three',
  ]))

it('what cannot be loaded is told for all at once, with what to do', async () => {
  const error = await load('absent', 'other', 'newer', 'broken').catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({
    kind: 'config',
    issues: [
      {
        message: expect.stringMatching(/'absent' is not found from .*etc or .*plugins: run 'npm install absent' there/),
      },
      { message: expect.stringMatching(/'other' is no Talon plugin of contract 1/) },
      { message: expect.stringMatching(/'newer' is no Talon plugin of contract 1/) },
      { message: "plugins: the package 'broken' fails when it is imported: it does not start" },
    ],
  })
})
